import { MutationCache, notifyManager, QueryCache, QueryClient } from '@tanstack/react-query';
import { hasStatus, isUnreachable } from '../api/error';
import { keys } from '../api/keys';

// a switch shows its wish in the same frame as the click; the default is a timer later
notifyManager.setScheduler(queueMicrotask);

const MAX_RETRIES = 2;
const RETRY_MS = 600;

/** Queries stay fresh by the event stream, so they never age by themselves. */
export function createQueryClient(): QueryClient {
  // a token that stops working shows in any request; the session gate watches this one
  const onError = (error: unknown, key?: readonly unknown[]) => {
    if (hasStatus(error, 401) && key !== keys.tenants) void client.invalidateQueries({ queryKey: keys.tenants });
  };
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => onError(error, query.queryKey[0] === keys.tenants[0] ? keys.tenants : query.queryKey),
    }),
    mutationCache: new MutationCache({ onError: (error) => onError(error) }),
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        retry: (failures, error) => isUnreachable(error) && failures < MAX_RETRIES,
        retryDelay: RETRY_MS,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
  return client;
}
