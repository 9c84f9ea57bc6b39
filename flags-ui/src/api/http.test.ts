import { afterEach, expect, it, vi } from 'vitest';
import { send } from './http';
import { session } from './session';

afterEach(() => {
  session.set(null);
  vi.restoreAllMocks();
});

const headersOf = (call: Parameters<typeof globalThis.fetch> | undefined) => call?.[1]?.headers as Headers;

it('shows what only this origin knows with every write, and with no read', async () => {
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json({}));
  session.set({ kind: 'admin', login: true, csrfToken: 'c' });
  await send('/a', { method: 'PATCH', body: {} });
  await send('/a');
  expect(fetch.mock.calls.map((call) => headersOf(call).get('X-CSRF-Token'))).toEqual(['c', null]);
});

it('says what stands where a protected environment asks for it', async () => {
  const answers = [Response.json({}, { status: 428 }), Response.json({}, { headers: { ETag: '"t"' } }), Response.json({ done: true })];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => answers.shift() ?? Response.error());
  const answer = await send('/a', { method: 'PATCH', body: { state: 'ENABLED' } });
  expect(await answer.json()).toEqual({ done: true });
  expect(fetch.mock.calls.map(([, init]) => init?.method)).toEqual(['PATCH', 'GET', 'PATCH']);
  expect(headersOf(fetch.mock.calls[2]).get('If-Match')).toBe('"t"');
});
