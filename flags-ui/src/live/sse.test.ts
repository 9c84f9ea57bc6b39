import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const STREAM = ': hello\n\nid: 3f.1\nevent: change\ndata: {"a":1}\n\nid: 3f.2\ndata: one\ndata: two\n\n';

describe('SseParser', () => {
  it('reads events with their ids', () => {
    const parser = new SseParser();
    expect(parser.push(STREAM)).toEqual([
      { type: 'change', data: '{"a":1}', id: '3f.1' },
      { type: 'message', data: 'one\ntwo', id: '3f.2' },
    ]);
    expect(parser.lastId).toBe('3f.2');
  });

  it.each([
    ['\n', STREAM],
    ['\r', STREAM.replaceAll('\n', '\r')],
    ['\r\n', STREAM.replaceAll('\n', '\r\n')],
  ])('gives the same events however the stream is cut, lines ending in %j', (_ending, stream) => {
    const whole = new SseParser().push(STREAM);
    for (let size = 1; size <= 7; size++) {
      const parser = new SseParser();
      const events = [];
      for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
      expect(events).toEqual(whole);
    }
  });

  it('keeps an unfinished event back', () => {
    const parser = new SseParser();
    expect(parser.push('data: half')).toEqual([]);
    expect(parser.push('\n')).toEqual([]);
    expect(parser.push('\n')).toEqual([{ type: 'message', data: 'half', id: '' }]);
  });

  it('ignores comments, unknown fields and events without data', () => {
    const parser = new SseParser('9.9');
    expect(parser.push(': beat\n\nretry: 1\nfoo\nevent: change\n\n')).toEqual([]);
    expect(parser.push('data:x\n\n')).toEqual([{ type: 'message', data: 'x', id: '9.9' }]);
  });

  it('takes one space after the colon, and only one', () => {
    expect(new SseParser().push('data:  x\n\n')[0]?.data).toBe(' x');
  });

  it('moves the id with an event that has no data', () => {
    const parser = new SseParser();
    parser.push('id: 5.5\n\n');
    expect(parser.lastId).toBe('5.5');
  });
});
