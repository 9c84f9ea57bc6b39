import { useMutation } from '@tanstack/react-query';
import { path, request } from './http';
import type { Evaluation, Json } from './types';

/** Evaluates one saved flag for a context. */
export function useEvaluate(tenant: string, environment: string, flag: string) {
  return useMutation({
    mutationFn: async (context: Json) => {
      const url = path`/tenants/${tenant}/environments/${environment}/evaluate`;
      const { body } = await request<Evaluation>(url, { method: 'POST', body: { flag, context } });
      return body;
    },
  });
}
