import type { QueryClient } from '@tanstack/react-query';
import { dropFlag, storeFlag } from '../api/cache';
import { hasStatus } from '../api/error';
import { fetchFlag } from '../api/flags';
import { keys } from '../api/keys';

/** Above this many changed flags one list is cheaper than a request for each. */
const MAX_SINGLE_FLAGS = 20;

/** Fetches everything of a tenant again: changes may have been missed. */
export function refreshAll(client: QueryClient, tenant: string) {
  return client.invalidateQueries({ queryKey: keys.tenant(tenant) });
}

/** Fetches the flags that changed, and only those. */
export async function refreshFlags(client: QueryClient, tenant: string, changed: readonly string[]) {
  if (changed.length > MAX_SINGLE_FLAGS) return refreshAll(client, tenant);
  await Promise.all(changed.map((flag) => refreshFlag(client, tenant, flag)));
}

async function refreshFlag(client: QueryClient, tenant: string, flag: string) {
  const settings = client.invalidateQueries({ queryKey: [...keys.flag(tenant, flag), 'settings'] });
  try {
    storeFlag(client, tenant, await fetchFlag(tenant, flag));
    await settings;
  } catch (error) {
    if (hasStatus(error, 404)) dropFlag(client, tenant, flag);
    // whoever shows this flag learns of its end, or of the failure, from its own query
    await client.invalidateQueries({ queryKey: keys.flag(tenant, flag), exact: true });
  }
}
