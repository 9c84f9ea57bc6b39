import type { QueryClient } from '@tanstack/react-query';
import type { TaggedSettings } from './flags';
import { keys } from './keys';
import type { Flag, Settings } from './types';

/** Lists come sorted by key. */
const byKey = (a: Flag, b: Flag) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Puts a flag in the place of its former self, or where its key belongs. */
export function withFlag(list: readonly Flag[], flag: Flag): Flag[] {
  const known = list.some((f) => f.key === flag.key);
  return known ? list.map((f) => (f.key === flag.key ? flag : f)) : [...list, flag].sort(byKey);
}

export const withoutFlag = (list: readonly Flag[], key: string) => list.filter((f) => f.key !== key);

export const withSettings = (flag: Flag, environment: string, settings: Settings): Flag => ({
  ...flag,
  environments: { ...flag.environments, [environment]: settings },
});

export function storeFlag(client: QueryClient, tenant: string, flag: Flag) {
  client.setQueryData<Flag[]>(keys.flags(tenant), (list) => list && withFlag(list, flag));
  client.setQueryData<Flag>(keys.flag(tenant, flag.key), (known) => known && flag);
}

export function dropFlag(client: QueryClient, tenant: string, key: string) {
  client.setQueryData<Flag[]>(keys.flags(tenant), (list) => list && withoutFlag(list, key));
}

/** Stores what a write of one environment's settings answered. */
export function storeSettings(client: QueryClient, at: { tenant: string; flag: string; environment: string }, tagged: TaggedSettings) {
  const put = (flag: Flag) => withSettings(flag, at.environment, tagged.settings);
  client.setQueryData<Flag[]>(keys.flags(at.tenant), (list) => list?.map((f) => (f.key === at.flag ? put(f) : f)));
  client.setQueryData<Flag>(keys.flag(at.tenant, at.flag), (flag) => flag && put(flag));
  client.setQueryData<TaggedSettings>(keys.settings(at.tenant, at.flag, at.environment), (known) => known && tagged);
}
