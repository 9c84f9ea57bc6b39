import type { FieldError, Problem } from './types';

/** A request that failed: by the server's word (`status` > 0), or because no server answered (`status` 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldError[] = [],
  ) {
    super(message);
  }

  static unreachable() {
    return new ApiError(0, 'unreachable', 'The server does not answer.');
  }

  static fromProblem(status: number, problem: Partial<Problem>) {
    const message = problem.detail || problem.title || `The server answered ${status}.`;
    return new ApiError(status, problem.code ?? String(status), message, problem.errors ?? []);
  }
}

export const isUnreachable = (e: unknown) => e instanceof ApiError && (e.status === 0 || e.status >= 502);

export const hasStatus = (e: unknown, status: number) => e instanceof ApiError && e.status === status;
