import { switchId } from '../../api/change-settings';
import type { Environment, Flag, FlagState } from '../../api/types';
import { settingsIn } from '../../shared/domain/settings';

/**
 * A flag as it will be once the server has answered. Without pending switches it is the same object, so
 * that its row need not be drawn again; `busy` joins the environments with pending ones.
 */
export function withPending(
  flag: Flag,
  environments: readonly Environment[],
  pending: ReadonlyMap<string, FlagState>,
): { flag: Flag; busy: string } {
  if (pending.size === 0) return { flag, busy: '' };
  let shown = flag;
  const busy: string[] = [];
  for (const { key } of environments) {
    const state = pending.get(switchId(flag.key, key));
    if (state === undefined) continue;
    busy.push(key);
    shown = { ...shown, environments: { ...shown.environments, [key]: { ...settingsIn(shown, key), state } } };
  }
  return { flag: shown, busy: busy.join('\n') };
}

export const isBusy = (busy: string, environment: string) => busy !== '' && busy.split('\n').includes(environment);
