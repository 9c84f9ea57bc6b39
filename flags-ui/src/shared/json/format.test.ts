import { describe, expect, it } from 'vitest';
import { sameJson } from './equal';
import { formatJson } from './format';

const RULE = {
  if: [
    { ends_with: [{ var: 'email' }, '@example.com'] },
    'on',
    { fractional: [{ cat: [{ var: '$flagd.flagKey' }, { var: 'targetingKey' }] }, ['on', 50], ['off', 50]] },
  ],
};

describe('formatJson', () => {
  it('keeps short things on one line and breaks long ones', () => {
    expect(formatJson({ var: 'email' })).toBe('{"var": "email"}');
    expect(formatJson(RULE)).toBe(`{
  "if": [
    {"ends_with": [{"var": "email"}, "@example.com"]},
    "on",
    {
      "fractional": [
        {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]},
        ["on", 50],
        ["off", 50]
      ]
    }
  ]
}`);
  });

  it('gives the steps of a chain their own lines, however short', () => {
    expect(formatJson({ if: [true, 'on', null] })).toBe('{\n  "if": [\n    true,\n    "on",\n    null\n  ]\n}');
  });

  it('changes nothing but white space', () => {
    expect(JSON.parse(formatJson(RULE))).toEqual(RULE);
    expect(formatJson(JSON.parse(formatJson(RULE)))).toBe(formatJson(RULE));
  });
});

describe('sameJson', () => {
  it('ignores the order of members, not of items', () => {
    expect(sameJson({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
    expect(sameJson([1, 2], [2, 1])).toBe(false);
  });

  it.each([
    [null, {}],
    [[], {}],
    [{ a: null }, { b: null }],
    [{ a: null }, {}],
    [[null], []],
    [1, '1'],
  ])('tells %j from %j', (a, b) => expect(sameJson(a, b)).toBe(false));
});
