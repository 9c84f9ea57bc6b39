import { ApiError, hasStatus } from './error';
import { session } from './session';
import type { Problem } from './types';

type Options = {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
};

export type Answer<Body> = { body: Body; etag: string | null };

/** A path under the API; each value becomes one percent-encoded segment. */
export function path(strings: TemplateStringsArray, ...values: string[]) {
  return `/api/v1${String.raw({ raw: strings }, ...values.map(encodeURIComponent))}`;
}

/**
 * Sends a request. Throws an `ApiError`, or the abort of `signal`.
 *
 * A protected environment wants to know what a change was made from. Whoever does not say is asked to confirm
 * the change itself, so that what stands now is what it was made from.
 */
export async function send(url: string, options: Options = {}): Promise<Response> {
  try {
    return await sendOnce(url, options);
  } catch (error) {
    if (!hasStatus(error, 428)) throw error;
    const { signal } = options;
    const standing = await sendOnce(url, { signal });
    return sendOnce(url, { ...options, headers: { ...options.headers, 'If-Match': standing.headers.get('ETag') ?? '*' } });
  }
}

async function sendOnce(url: string, options: Options): Promise<Response> {
  const headers = new Headers(options.headers);
  const csrfToken = session.current()?.csrfToken;
  if (csrfToken && options.method && options.method !== 'GET') headers.set('X-CSRF-Token', csrfToken);
  const init: RequestInit = { method: options.method ?? 'GET', headers, signal: options.signal ?? null };
  if (options.body !== undefined) {
    headers.set('Content-Type', 'application/json');
    init.body = JSON.stringify(options.body);
  }
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw options.signal?.aborted ? cause : ApiError.unreachable();
  });
  if (!response.ok) throw ApiError.fromProblem(response.status, await problemOf(response));
  return response;
}

export async function request<Body>(url: string, options: Options = {}): Promise<Answer<Body>> {
  const response = await send(url, options);
  const text = await response.text();
  return { body: (text === '' ? null : JSON.parse(text)) as Body, etag: response.headers.get('ETag') };
}

async function problemOf(response: Response): Promise<Partial<Problem>> {
  try {
    return (await response.json()) as Partial<Problem>;
  } catch {
    return {}; // a proxy's page
  }
}
