import { describe, expect, it } from 'vitest';
import { insideTargeting, lineAt, locate } from './locate';
import { scan } from './scan';

const TEXT = `{
  "if": [
    {"ends_with": [{"var": "email"}, "@example.com"]},
    "on",
    {
      "nope": [1]
    }
  ]
}`;

function lineOf(pointer: string) {
  const result = scan(TEXT);
  if (!result.ok) throw new Error(result.message);
  const span = locate(result.spans, pointer);
  return span && lineAt(TEXT, span.start);
}

describe('locate', () => {
  it.each([
    ['', 1],
    ['/if', 2],
    ['/if/0', 3],
    ['/if/0/ends_with/0/var', 3],
    ['/if/1', 4],
    ['/if/2', 5],
    ['/if/2/nope', 6],
    ['/if/2/nope/0', 6],
  ])('finds the line of %j', (pointer, line) => expect(lineOf(pointer)).toBe(line));

  it.each([
    ['/if/2/nope/7/x', 6],
    ['/if/9', 2],
    ['/else', 1],
    ['not a pointer', 1],
  ])('falls back to what surrounds %j', (pointer, line) => expect(lineOf(pointer)).toBe(line));
});

describe('lineAt', () => {
  it('counts from one, a line break belonging to the line it ends', () => {
    expect([0, 1, 2, 3].map((offset) => lineAt('a\n\nb', offset))).toEqual([1, 1, 2, 3]);
  });
});

describe('insideTargeting', () => {
  it.each([
    ['/targeting/if/0', '/if/0'],
    ['/targeting', ''],
    ['/environments/pro~1d/targeting/if', '/if'],
    ['/flags/a/targeting/if', '/if'],
    ['/if/0/fractional', '/if/0/fractional'],
    ['', ''],
  ])('%j is %j in the rule', (pointer, inside) => expect(insideTargeting(pointer)).toBe(inside));

  it.each(['/defaultVariant', '/variants/a', '/environments/prod/state'])('%j is elsewhere', (pointer) => {
    expect(insideTargeting(pointer)).toBeUndefined();
  });
});
