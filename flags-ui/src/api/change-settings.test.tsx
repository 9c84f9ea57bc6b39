import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, it, vi } from 'vitest';
import { aFlag, someSettings } from '../testing/fixtures';
import { storeFlag } from './cache';
import { switchId, useChangeSettings, usePendingStates } from './change-settings';
import { keys } from './keys';
import type { Flag, FlagState } from './types';

const FLAGS = [aFlag({ key: 'a/b', environments: { dev: {}, prod: {} } }), aFlag({ key: 'c', environments: { dev: {} } })];

/** The hooks over a list of two flags, and a server whose one answer the test gives. */
function setUp() {
  const client = new QueryClient();
  client.setQueryData(keys.flags('t'), FLAGS);
  let resolve: (response: Response) => void = () => undefined;
  const answer = new Promise<Response>((done) => {
    resolve = done;
  });
  const fetch = vi.spyOn(globalThis, 'fetch').mockReturnValue(answer);
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const { result } = renderHook(() => ({ change: useChangeSettings('t'), pending: usePendingStates('t') }), { wrapper });
  const stateOf = (key: string, environment: string): FlagState | undefined =>
    client.getQueryData<Flag[]>(keys.flags('t'))?.find((f) => f.key === key)?.environments[environment]?.state;
  const turnOff = () => act(async () => result.current.change.mutate({ flag: 'a/b', environment: 'dev', patch: { state: 'DISABLED' } }));
  return { client, answer: resolve, fetch, result, stateOf, turnOff };
}

it('shows a wish at once and a refusal takes back only that switch', async () => {
  const { client, answer, result, stateOf, turnOff } = setUp();
  await turnOff();
  await waitFor(() => expect([...result.current.pending]).toEqual([[switchId('a/b', 'dev'), 'DISABLED']]));
  expect(stateOf('a/b', 'dev')).toBe('ENABLED');

  // meanwhile the event stream brings news about other switches
  act(() => storeFlag(client, 't', aFlag({ key: 'c', environments: { dev: { state: 'DISABLED' } } })));
  await act(async () => answer(Response.json({ title: 'No', status: 403, code: 'forbidden' }, { status: 403 })));
  await waitFor(() => expect(result.current.change.error?.message).toBe('No'));
  expect(result.current.pending.size).toBe(0);
  expect([stateOf('a/b', 'dev'), stateOf('a/b', 'prod'), stateOf('c', 'dev')]).toEqual(['ENABLED', 'ENABLED', 'DISABLED']);
});

it('stores what the server answers', async () => {
  const { answer, fetch, result, stateOf, turnOff } = setUp();
  await turnOff();
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/v1/tenants/t/flags/a%2Fb/environments/dev');
  await act(async () => answer(Response.json(someSettings({ state: 'DISABLED' }), { headers: { ETag: '"2"' } })));
  await waitFor(() => expect(result.current.pending.size).toBe(0));
  expect([stateOf('a/b', 'dev'), stateOf('a/b', 'prod')]).toEqual(['DISABLED', 'ENABLED']);
});
