import type { Environment, Flag, Settings } from '../../api/types';
import { faultsOf, warningsOf } from '../../shared/domain/problems';
import { settingsIn } from '../../shared/domain/settings';

export const STATES = ['on', 'off', 'killed', 'problem', 'warning'] as const;
export type StateFilter = (typeof STATES)[number];

/** What narrows the list; it lives in the URL. */
export type Filters = { q?: string; tag?: string; state?: StateFilter };

export function parseFilters(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  if (typeof search.q === 'string' && search.q) filters.q = search.q;
  if (typeof search.tag === 'string' && search.tag) filters.tag = search.tag;
  const state = STATES.find((s) => s === search.state);
  if (state) filters.state = state;
  return filters;
}

export const isFiltered = ({ q, tag, state }: Filters) => Boolean(q || tag || state);

/** The flags that match; every word of `q` must occur. A state counts if any of `environments` shows it. */
export function filterFlags(flags: readonly Flag[], { q, tag, state }: Filters, environments: readonly Environment[]): Flag[] {
  const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return flags.filter(
    (flag) =>
      words.every((word) => searchText(flag).includes(word)) &&
      (!tag || flag.tags?.includes(tag)) &&
      (!state || shows(flag, state, environments)),
  );
}

export const tagsOf = (flags: readonly Flag[]) => [...new Set(flags.flatMap((flag) => flag.tags ?? []))].sort();

const texts = new WeakMap<Flag, string>();

function searchText(flag: Flag): string {
  let text = texts.get(flag);
  if (text === undefined) {
    text = [flag.key, flag.name, flag.description, ...(flag.tags ?? [])].join('\n').toLowerCase();
    texts.set(flag, text);
  }
  return text;
}

function shows(flag: Flag, state: StateFilter, environments: readonly Environment[]) {
  if (state === 'problem') return faultsOf(flag).length > 0;
  if (state === 'warning') return warningsOf(flag).length > 0;
  const is: Record<Exclude<StateFilter, 'problem' | 'warning'>, (s: Settings) => boolean> = {
    on: (s) => s.state === 'ENABLED' && !s.kill,
    off: (s) => s.state !== 'ENABLED' && !s.kill,
    killed: (s) => s.kill,
  };
  return environments.some((environment) => is[state](settingsIn(flag, environment.key)));
}
