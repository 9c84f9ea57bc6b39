import { expect, it } from 'vitest';
import { tokens } from './tokens';

it('tells names from strings and keeps every character', () => {
  const line = '  {"var" : "a\\"b", "n": -1.5e3, "t": true} "open';
  const found = tokens(line);
  expect(found.map((t) => t.text).join('')).toBe(line);
  expect(found.filter((t) => t.kind !== 'plain').map((t) => [t.kind, t.text])).toEqual([
    ['name', '"var"'],
    ['string', '"a\\"b"'],
    ['name', '"n"'],
    ['number', '-1.5e3'],
    ['name', '"t"'],
    ['word', 'true'],
    ['string', '"open'],
  ]);
});
