/** One event of a `text/event-stream`. */
export type SseEvent = { type: string; data: string; id: string };

/**
 * Parses a `text/event-stream` that arrives in pieces cut anywhere.
 * Comments and `retry` are left out: the caller keeps its own time.
 */
export class SseParser {
  /** The id that a reconnecting client sends back: the last one seen, with or without data. */
  lastId: string;
  private rest = '';
  private afterCr = false;
  private type = '';
  private data: string[] = [];

  constructor(lastId = '') {
    this.lastId = lastId;
  }

  push(piece: string): SseEvent[] {
    const events: SseEvent[] = [];
    for (const line of this.lines(piece)) {
      const event = line === '' ? this.dispatch() : this.field(line);
      if (event) events.push(event);
    }
    return events;
  }

  /** Whole lines, ended by CR, LF or both; the unfinished one waits. */
  private lines(piece: string): string[] {
    let text = piece;
    if (this.afterCr && text.startsWith('\n')) text = text.slice(1);
    if (piece !== '') this.afterCr = piece.endsWith('\r');
    const lines = (this.rest + text).split(/\r\n|\r|\n/);
    this.rest = lines.pop() ?? '';
    return lines;
  }

  private field(line: string): undefined {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.type = value;
    else if (name === 'data') this.data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.lastId = value;
  }

  private dispatch(): SseEvent | undefined {
    const { type, data } = this;
    this.type = '';
    this.data = [];
    if (data.length === 0) return undefined;
    return { type: type || 'message', data: data.join('\n'), id: this.lastId };
  }
}
