import type { Json } from '../../api/types';

/** Where a value stands in the text. A member's span begins at its name. */
export type Span = { start: number; end: number };

export type Scan = { ok: true; value: Json; spans: ReadonlyMap<string, Span> } | { ok: false; offset: number; message: string };

/** Deeper than any server accepts, shallower than the call stack. */
const MAX_DEPTH = 512;

class Fault extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/** Parses JSON and notes the place of every value under its JSON Pointer. Repeated names are faults. */
export function scan(text: string): Scan {
  const scanner = new Scanner(text);
  try {
    return { ok: true, value: scanner.document(), spans: scanner.spans };
  } catch (fault) {
    if (fault instanceof Fault) return { ok: false, offset: fault.offset, message: fault.message };
    throw fault;
  }
}

export const escapeToken = (token: string) => token.replaceAll('~', '~0').replaceAll('/', '~1');

class Scanner {
  readonly spans = new Map<string, Span>();
  private at = 0;

  constructor(private readonly text: string) {}

  document(): Json {
    const value = this.value('', 0);
    if (this.at < this.text.length) throw new Fault(this.at, `Unexpected ${this.seen()} after the end of the document`);
    return value;
  }

  private value(pointer: string, depth: number, from?: number): Json {
    if (depth > MAX_DEPTH) throw new Fault(this.at, `Nested deeper than ${MAX_DEPTH} levels`);
    this.space();
    const start = this.at;
    const value = this.bare(pointer, depth);
    this.spans.set(pointer, { start: from ?? start, end: this.at });
    this.space();
    return value;
  }

  private bare(pointer: string, depth: number): Json {
    const char = this.text[this.at];
    if (char === '{') return this.object(pointer, depth);
    if (char === '[') return this.array(pointer, depth);
    if (char === '"') return this.string();
    return this.word();
  }

  private object(pointer: string, depth: number): Json {
    const entries = new Map<string, Json>();
    this.items('}', () => {
      const from = this.at;
      if (this.text[from] !== '"') throw new Fault(from, `Expected a name in double quotes, found ${this.seen()}`);
      const name = this.string();
      if (entries.has(name)) throw new Fault(from, `The name "${name}" appears twice in this object`);
      this.space();
      this.expect(':');
      entries.set(name, this.value(`${pointer}/${escapeToken(name)}`, depth + 1, from));
    });
    return Object.fromEntries(entries);
  }

  private array(pointer: string, depth: number): Json {
    const values: Json[] = [];
    this.items(']', () => values.push(this.value(`${pointer}/${values.length}`, depth + 1)));
    return values;
  }

  private items(close: string, item: () => void) {
    this.at += 1;
    this.space();
    if (this.text[this.at] === close) {
      this.at += 1;
      return;
    }
    for (;;) {
      item();
      this.space();
      if (this.text[this.at] === close) break;
      if (this.text[this.at] !== ',') throw new Fault(this.at, `Expected "," or "${close}", found ${this.seen()}`);
      const comma = this.at;
      this.at += 1;
      this.space();
      if (this.text[this.at] === close) throw new Fault(comma, `A comma before "${close}" is not allowed`);
    }
    this.at += 1;
  }

  private string(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings, so they are what to look for
    const match = this.sticky(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    if (match === undefined) throw new Fault(this.at, 'A string is not closed on its line, or holds a wrong escape');
    return JSON.parse(match) as string;
  }

  private word(): Json {
    const match = this.sticky(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (match === undefined) throw new Fault(this.at, `Expected a value, found ${this.seen()}`);
    return JSON.parse(match) as Json;
  }

  private expect(char: string) {
    if (this.text[this.at] !== char) throw new Fault(this.at, `Expected "${char}", found ${this.seen()}`);
    this.at += 1;
  }

  private space() {
    this.sticky(/[ \t\n\r]*/y);
  }

  private sticky(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text)?.[0];
    if (match !== undefined) this.at += match.length;
    return match;
  }

  private seen() {
    const char = this.text[this.at];
    return char === undefined ? 'the end' : JSON.stringify(char);
  }
}
