import { describe, expect, it } from 'vitest';
import { aFlag } from '../../testing/fixtures';
import { diagnose, ruleProblems, sortErrors } from './diagnostics';

const TEXT = '{\n  "if": [\n    {"nope": [1]},\n    "on"\n  ]\n}';

describe('diagnose', () => {
  it('puts the server’s faults at their lines, in order', () => {
    const faults = [
      { path: '/targeting/if/1', message: 'No variant is called "on".', hint: 'Add it.' },
      { path: '/targeting/if/0/nope', message: 'Unknown operator.' },
    ];
    expect(diagnose(TEXT, faults)).toMatchObject([
      { line: 3, message: 'Unknown operator.' },
      { line: 4, message: 'No variant is called "on".', hint: 'Add it.' },
    ]);
  });

  it('shows a syntax fault alone: without a parse there are no places', () => {
    expect(diagnose('{\n  "if": [,]\n}', [{ path: '/targeting/if', message: 'x' }])).toMatchObject([{ line: 2 }]);
  });

  it('keeps faults without a place', () => {
    expect(diagnose('', [{ path: '/targeting', message: 'x' }])).toEqual([{ message: 'x' }]);
  });
});

it('tells warnings from faults', () => {
  const place = { path: '/environments/prod/targeting/if/0', code: 'x' };
  const flag = aFlag({
    problems: [
      { ...place, message: 'a', severity: 'warning' },
      { ...place, message: 'b' },
    ],
  });
  expect(diagnose(TEXT, ruleProblems(flag, 'prod')).map((told) => [told.message, told.warning])).toEqual([
    ['a', true],
    ['b', undefined],
  ]);
});

it('sorts errors by what they are about', () => {
  const rule = { path: '/targeting/if', code: 'a', message: 'r' };
  const member = { path: '/defaultVariant', code: 'b', message: 'm', hint: 'h' };
  expect(sortErrors([rule, member])).toEqual({ rule: [rule], members: { defaultVariant: 'm h' } });
});

it('finds the problems of one environment’s rule', () => {
  const flag = aFlag({
    problems: [
      { path: '/environments/prod/targeting/if/0', code: 'x', message: 'a' },
      { path: '/targeting/if/0', code: 'x', message: 'b', environment: 'dev' },
      { path: '/environments/prod/defaultVariant', code: 'x', message: 'c' },
    ],
  });
  expect(ruleProblems(flag, 'prod').map((p) => p.message)).toEqual(['a']);
  expect(ruleProblems(flag, 'dev').map((p) => p.message)).toEqual(['b']);
});
