import { useMutation, useQueryClient } from '@tanstack/react-query';
import { dropFlag } from './cache';
import { path, request } from './http';

export function useDeleteFlag(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (flag: string) => request<null>(path`/tenants/${tenant}/flags/${flag}`, { method: 'DELETE' }),
    onSuccess: (_answer, flag) => dropFlag(client, tenant, flag),
  });
}
