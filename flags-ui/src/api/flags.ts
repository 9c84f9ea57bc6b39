import { queryOptions } from '@tanstack/react-query';
import { path, request } from './http';
import { keys } from './keys';
import { allPages } from './pages';
import type { Flag, Settings } from './types';

export const flagsQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.flags(tenant),
    queryFn: ({ signal }) => allPages<Flag>(path`/tenants/${tenant}/flags`, signal),
  });

export async function fetchFlag(tenant: string, flag: string, signal?: AbortSignal) {
  const { body } = await request<Flag>(path`/tenants/${tenant}/flags/${flag}`, { signal });
  return body;
}

export const flagQuery = (tenant: string, flag: string) =>
  queryOptions({
    queryKey: keys.flag(tenant, flag),
    queryFn: ({ signal }) => fetchFlag(tenant, flag, signal),
  });

/** Settings with the tag that a conditional write sends back. */
export type TaggedSettings = { settings: Settings; etag: string | null };

export async function fetchSettings(tenant: string, flag: string, environment: string, signal?: AbortSignal): Promise<TaggedSettings> {
  const url = path`/tenants/${tenant}/flags/${flag}/environments/${environment}`;
  const { body, etag } = await request<Settings>(url, { signal });
  return { settings: body, etag };
}

export const settingsQuery = (tenant: string, flag: string, environment: string) =>
  queryOptions({
    queryKey: keys.settings(tenant, flag, environment),
    queryFn: ({ signal }) => fetchSettings(tenant, flag, environment, signal),
  });
