import { type Query, type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { path, send } from '../api/http';
import { keys } from '../api/keys';
import type { ChangeEvent } from '../api/types';
import { Batch } from './batch';
import { refreshAll, refreshFlags } from './refresh';
import type { SseEvent } from './sse';
import { liveStore } from './store';
import { type LiveStatus, type WatchEnvironment, watch } from './watch';

const BATCH_MS = 50;
/** Browsers allow six connections to an HTTP/1.1 server: tabs that nobody looks at give theirs back. */
const HIDDEN_MS = 60_000;

/** Keeps a tenant's cached queries fresh from one event stream, for as long as the caller is mounted. */
export function useLive(tenant: string) {
  const client = useQueryClient();
  useEffect(() => {
    let stop = start(client, tenant);
    let hiding: ReturnType<typeof setTimeout> | undefined;
    let paused = false;
    const onVisibility = () => {
      clearTimeout(hiding);
      if (document.hidden) {
        hiding = setTimeout(() => {
          paused = true;
          stop();
        }, HIDDEN_MS);
      } else if (paused) {
        paused = false;
        stop = start(client, tenant);
      }
    };
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      clearTimeout(hiding);
      stop();
    };
  }, [client, tenant]);
}

function start(client: QueryClient, tenant: string): () => void {
  const stop = new AbortController();
  const batch = new Batch<string>((flags) => void refreshFlags(client, tenant, flags), BATCH_MS);
  const onOpen = (resumed: boolean) => {
    // what was read before the stream opened may be older than its first event, and what failed may work now
    const predicate = (query: Query) => !resumed || query.state.status === 'error';
    void client.invalidateQueries({ queryKey: keys.tenant(tenant), predicate });
  };
  const onEvent = (event: SseEvent) => {
    if (event.type === 'reset') void refreshAll(client, tenant);
    else if (event.type === 'change') onChange(client, tenant, batch, event.data);
  };
  const onStatus = (status: LiveStatus) => {
    liveStore.set(status);
    // perhaps the token is no longer good: the session gate watches this query
    if (status === 'refused') void client.invalidateQueries({ queryKey: keys.tenants });
  };
  liveStore.set('connecting');
  void watch(environment(tenant), { onOpen, onEvent, onStatus }, stop.signal);
  return () => {
    stop.abort();
    batch.clear();
  };
}

function onChange(client: QueryClient, tenant: string, batch: Batch<string>, data: string) {
  const change = parseChange(data);
  if (!change) return void refreshAll(client, tenant);
  switch (change.register.kind) {
    case 'flag':
      return batch.add(change.register.key);
    case 'config':
      return undefined; // nothing here shows config entries
    default:
      // an environment, the tenant, or a segment that any flag may refer to
      return void refreshAll(client, tenant);
  }
}

function parseChange(data: string): ChangeEvent | undefined {
  try {
    const change = JSON.parse(data) as Partial<ChangeEvent>;
    return change.register?.kind && change.register.key ? (change as ChangeEvent) : undefined;
  } catch {
    return undefined;
  }
}

const environment = (tenant: string): WatchEnvironment => ({
  open: (lastId, signal) => {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (lastId) headers['Last-Event-ID'] = lastId;
    return send(path`/tenants/${tenant}/watch`, { headers, signal });
  },
  wait: waitOrOnline,
  random: Math.random,
});

function waitOrOnline(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    window.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
