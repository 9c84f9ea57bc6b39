import { path, request } from './http';
import { session } from './session';

/** Tries a token and, if the server takes it, keeps it for this tab. Throws what the server says otherwise. */
export async function signIn(token: string): Promise<void> {
  await request(path`/tenants`, { headers: { Authorization: `Bearer ${token}` } });
  session.set(token);
}
