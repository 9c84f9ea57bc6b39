import { useMutation, useQueryClient } from '@tanstack/react-query';
import { storeFlag } from './cache';
import { fetchFlag } from './flags';
import { path, request } from './http';
import type { NewFlag } from './types';

export function useCreateFlag(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (flag: NewFlag) => request<unknown>(path`/tenants/${tenant}/flags`, { method: 'POST', body: flag }),
    onSuccess: async (_answer, { key }) => storeFlag(client, tenant, await fetchFlag(tenant, key)),
  });
}
