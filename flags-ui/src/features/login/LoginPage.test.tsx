import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { session } from '../../api/session';
import { LoginPage } from './LoginPage';

afterEach(() => session.set(null));

function setUp(status: number) {
  const answers = async () =>
    Response.json(status === 200 ? { kind: 'admin', login: true, csrfToken: 'c' } : { code: 'unauthorized' }, { status });
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(answers);
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <LoginPage />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return fetch;
}

async function signIn(token: string) {
  await userEvent.type(screen.getByLabelText('Token'), token);
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
}

it('opens a session with a token, without its white space, and keeps no token', async () => {
  const fetch = setUp(200);
  await signIn(' secret ');
  const [url, init] = fetch.mock.calls[0] ?? [];
  expect([url, init?.method, init?.body]).toEqual(['/api/v1/session', 'POST', '{"token":"secret"}']);
  expect(session.current()?.csrfToken).toBe('c');
  expect(JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])).not.toContain('secret');
});

it('says that a token is wrong and keeps nothing', async () => {
  setUp(401);
  await signIn('nope');
  expect(await screen.findByRole('alert')).toHaveTextContent('not accepted');
  expect(session.current()).toBeNull();
});
