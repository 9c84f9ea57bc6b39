// The same rules and contexts through flagd's own evaluation library: the answers are the same, but for the
// differences that are named here and in reference.mjs.
import { test } from 'node:test';

import { PAIRS, compared } from './compared.mjs';
import { BEHIND, DEFAULTED, LIST, TIME, made, ours, text, theirs } from './pairs.mjs';
import { FlagdCore } from './reference.mjs';

const DIFFERENCES = [
  LIST,
  {
    // whether the first operand is a share is decided by the rule, not by what an attribute holds
    name: 'a list in the attribute to bucket by',
    holds: ({ rule, segments, context }) => text(rule, segments).includes('{"fractional":[{"var":"email"}') && Array.isArray(context.email),
    percent: 0.05,
  },
  {
    // flagd's holds `$flagd`, so that it is never empty
    name: 'whether a context without attributes is true as a whole',
    holds: ({ rule, segments, context }) => text(rule, segments).includes('{"var":""}') && Object.keys(context).length === 0,
    percent: 0.05,
  },
  BEHIND,
  DEFAULTED,
  {
    // a text that doubles with each item and the like, for which the library has bounds of its own
    name: 'the library throws',
    holds: ({ theirs }) => theirs.errorCode !== undefined,
    percent: 0.02,
  },
];

test(`flagd's evaluation library gives the same answers for ${PAIRS} rules and contexts`, (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: TIME * 1000 });
  compared(t, made, (pair) => ({ ours: ours(pair), theirs: theirs(FlagdCore, pair) }), DIFFERENCES);
});
