import { useSyncExternalStore } from 'react';
import type { LiveStatus } from './watch';

let status: LiveStatus = 'connecting';
const listeners = new Set<() => void>();

export const liveStore = {
  get: () => status,
  set(next: LiveStatus) {
    if (next === status) return;
    status = next;
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};

export const useLiveStatus = () => useSyncExternalStore(liveStore.subscribe, liveStore.get);
