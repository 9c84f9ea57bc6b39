import { ApiError } from '../api/error';
import { backoffMs } from './backoff';
import { type SseEvent, SseParser } from './sse';

export type LiveStatus = 'connecting' | 'live' | 'reconnecting' | 'gone' | 'refused';

export type WatchHandlers = {
  /** A stream is open. `resumed`: it goes on after the last event seen, so that nothing was missed. */
  onOpen: (resumed: boolean) => void;
  onEvent: (event: SseEvent) => void;
  onStatus: (status: LiveStatus) => void;
};

export type WatchEnvironment = {
  /** Opens the stream after the event `lastId` (empty: from now on). */
  open: (lastId: string, signal: AbortSignal) => Promise<Response>;
  /** Resolves after `ms`, or earlier when a new attempt is worth it, or at the abort. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
};

/** The server sends a comment every 15 s; two and a half of them missing means that the line is dead. */
const SILENCE_MS = 40_000;
const FAILURES_UNTIL_GONE = 3;

/** Follows one event stream until `signal` aborts, reconnecting where it was. */
export async function watch(environment: WatchEnvironment, handlers: WatchHandlers, signal: AbortSignal): Promise<void> {
  let lastId = '';
  let failures = 0;
  while (!signal.aborted) {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal.addEventListener('abort', abort);
    try {
      const response = await environment.open(lastId, attempt.signal);
      failures = 0;
      handlers.onStatus('live');
      handlers.onOpen(lastId !== '');
      const parser = new SseParser(lastId);
      await read(response, attempt, (piece) => {
        for (const event of parser.push(piece)) handlers.onEvent(event);
        lastId = parser.lastId;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (isRefusal(error)) return handlers.onStatus('refused');
    } finally {
      signal.removeEventListener('abort', abort);
      attempt.abort();
    }
    if (signal.aborted) return;
    handlers.onStatus(failures + 1 >= FAILURES_UNTIL_GONE ? 'gone' : 'reconnecting');
    await environment.wait(backoffMs(failures, environment.random()), signal);
    failures += 1;
  }
}

/** A client error does not pass by itself; being told to slow down does. */
const isRefusal = (error: unknown) => error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;

async function read(response: Response, attempt: AbortController, onText: (piece: string) => void) {
  const reader = response.body?.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>).getReader();
  if (!reader) return;
  let silence = setTimeout(() => attempt.abort(), SILENCE_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(() => attempt.abort(), SILENCE_MS);
      onText(value);
    }
  } finally {
    clearTimeout(silence);
  }
}
