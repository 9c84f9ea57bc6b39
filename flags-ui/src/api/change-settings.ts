import { useMutation, useMutationState, useQueryClient } from '@tanstack/react-query';
import { storeSettings } from './cache';
import type { TaggedSettings } from './flags';
import { path, request } from './http';
import type { FlagState, Json, Settings } from './types';

export type SettingsPatch = {
  state?: FlagState;
  defaultVariant?: string | null;
  targeting?: Json;
  kill?: boolean;
  reason?: string | null;
  note?: string;
};

export type SettingsChange = {
  flag: string;
  environment: string;
  patch: SettingsPatch;
  /** The tag of what the change was made from; without one the last write wins. */
  etag?: string | null;
};

const mutationKey = (tenant: string) => ['change-settings', tenant] as const;

async function change(tenant: string, { flag, environment, patch, etag }: SettingsChange): Promise<TaggedSettings> {
  const url = path`/tenants/${tenant}/flags/${flag}/environments/${environment}`;
  const headers: Record<string, string> = etag ? { 'If-Match': etag } : {};
  const answer = await request<Settings>(url, { method: 'PATCH', body: patch, headers });
  return { settings: answer.body, etag: answer.etag };
}

/** Writes members of one flag's settings in one environment. */
export function useChangeSettings(tenant: string) {
  const client = useQueryClient();
  return useMutation({
    mutationKey: mutationKey(tenant),
    mutationFn: (wanted: SettingsChange) => change(tenant, wanted),
    onSuccess: (tagged, { flag, environment }) => storeSettings(client, { tenant, flag, environment }, tagged),
  });
}

/** Names one switch. */
export const switchId = (flag: string, environment: string) => JSON.stringify([flag, environment]);

/**
 * What switches were asked to become and the server has not yet answered. Views lay it over the cached
 * state: when a write fails its entry goes, so that this one switch falls back and nothing else does.
 */
export function usePendingStates(tenant: string): ReadonlyMap<string, FlagState> {
  const pending = useMutationState({
    filters: { mutationKey: mutationKey(tenant), status: 'pending' },
    select: (mutation) => mutation.state.variables as SettingsChange,
  });
  const states = new Map<string, FlagState>();
  for (const { flag, environment, patch } of pending) {
    if (patch.state) states.set(switchId(flag, environment), patch.state);
  }
  return states;
}
