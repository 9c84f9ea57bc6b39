import { queryOptions } from '@tanstack/react-query';
import { path } from './http';
import { keys } from './keys';
import { allPages } from './pages';
import type { Environment, Tenant } from './types';

export const tenantsQuery = queryOptions({
  queryKey: keys.tenants,
  queryFn: ({ signal }) => allPages<Tenant>(path`/tenants`, signal),
});

export const environmentsQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.environments(tenant),
    queryFn: ({ signal }) => allPages<Environment>(path`/tenants/${tenant}/environments`, signal),
  });
