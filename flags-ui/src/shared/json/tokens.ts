export type Token = { kind: 'name' | 'string' | 'number' | 'word' | 'plain'; text: string };

const PATTERN = /("(?:[^"\\]|\\.)*"?)(?=(\s*:)?)|(-?\d[\d.eE+-]*)|(true|false|null)/g;

/** Cuts one line of JSON, finished or not, into coloured pieces. A JSON string never spans lines. */
export function tokens(line: string): Token[] {
  const found: Token[] = [];
  let end = 0;
  for (const match of line.matchAll(PATTERN)) {
    if (match.index > end) found.push({ kind: 'plain', text: line.slice(end, match.index) });
    const [text, string, colon, number] = match;
    const kind = string ? (colon ? 'name' : 'string') : number ? 'number' : 'word';
    found.push({ kind, text });
    end = match.index + text.length;
  }
  if (end < line.length) found.push({ kind: 'plain', text: line.slice(end) });
  return found;
}
