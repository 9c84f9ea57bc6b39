import type { Flag, Settings } from '../api/types';

type FlagParts = Omit<Partial<Flag>, 'environments'> & { environments?: Record<string, Partial<Settings>> };

/** A boolean flag for tests. */
export function aFlag({ environments = {}, ...parts }: FlagParts = {}): Flag {
  const complete = Object.entries(environments).map(([key, settings]): [string, Settings] => [key, someSettings(settings)]);
  return { key: 'flag', variants: { on: true, off: false }, problems: [], ...parts, environments: Object.fromEntries(complete) };
}

export const someSettings = (parts: Partial<Settings> = {}): Settings => ({
  state: 'ENABLED',
  defaultVariant: 'on',
  targeting: null,
  kill: false,
  ...parts,
});
