import { queryOptions } from '@tanstack/react-query';
import { path, request, send } from './http';
import { keys } from './keys';
import { type Session, session } from './session';

/** The session that this browser has; 401 where it has none. */
export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: async ({ signal }) => {
    const { body } = await request<Session>(path`/session`, { signal });
    session.set(body);
    return body;
  },
});

/** Opens a session with a token, which is kept nowhere. Throws what the server says otherwise. */
export async function signIn(token: string): Promise<Session> {
  const { body } = await request<Session>(path`/session`, { method: 'POST', body: { token } });
  session.set(body);
  return body;
}

/** Ends the session in this browser. */
export async function signOut(): Promise<void> {
  await send(path`/session`, { method: 'DELETE' });
  session.set(null);
}
