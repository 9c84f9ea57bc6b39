import { expect, it } from 'vitest';
import { ApiError } from '../api/error';
import { type LiveStatus, watch } from './watch';

/** A server that plays one entry per connection: text to stream, or an error to fail with. */
function play(script: (string | ApiError)[]) {
  const stop = new AbortController();
  const opened: string[] = [];
  const log: string[] = [];
  const statuses: LiveStatus[] = [];
  const waits: number[] = [];
  const environment = {
    open: async (lastId: string) => {
      opened.push(lastId);
      const next = script.shift();
      if (next instanceof ApiError) throw next;
      return new Response(next ?? '');
    },
    wait: async (ms: number) => {
      waits.push(ms);
      if (script.length === 0) stop.abort();
    },
    random: () => 1,
  };
  const handlers = {
    onOpen: (resumed: boolean) => log.push(resumed ? 'resumed' : 'opened'),
    onEvent: (event: { data: string }) => log.push(event.data),
    onStatus: (status: LiveStatus) => statuses.push(status),
  };
  return { done: watch(environment, handlers, stop.signal), opened, log, statuses, waits };
}

it('resumes after the last event it saw', async () => {
  const run = play(['id: n.1\ndata: a\n\nid: n.2\ndata: b\n\n', 'id: n.3\ndata: c\n\n']);
  await run.done;
  expect(run.opened).toEqual(['', 'n.2']);
  expect(run.log).toEqual(['opened', 'a', 'b', 'resumed', 'c']);
  expect(run.statuses).toEqual(['live', 'reconnecting', 'live', 'reconnecting']);
});

it('calls the server gone after three failures and backs off meanwhile', async () => {
  const down = ApiError.unreachable();
  const run = play([down, down, down, down, 'data: x\n\n']);
  await run.done;
  expect(run.statuses).toEqual(['reconnecting', 'reconnecting', 'gone', 'gone', 'live', 'reconnecting']);
  expect(run.waits).toEqual([500, 1000, 2000, 4000, 500]);
});

it('stops at a refusal', async () => {
  const run = play([new ApiError(403, 'forbidden', 'no')]);
  await run.done;
  expect(run.statuses).toEqual(['refused']);
  expect(run.waits).toEqual([]);
});
