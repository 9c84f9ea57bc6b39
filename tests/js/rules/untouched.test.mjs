// The same rules and contexts through flagd's evaluation library as it is published. It throws where an operand is no
// number, which jsonlogic.com does not; of what it answers, all is the same but for the differences that are named here.
import { test } from 'node:test';

import { FlagdCore } from '@openfeature/flagd-core';

import { PAIRS, compared } from './compared.mjs';
import { BEHIND, DEFAULTED, LIST, TIME, made, ours, text, theirs } from './pairs.mjs';

const has = (...operators) => ({ rule, segments }) => {
  const all = text(rule, segments);
  return operators.some((operator) => all.includes(`"${operator}"`));
};

const DIFFERENCES = [
  {
    // an operand that is no number, or no text where it takes texts alone; the whole flag fails
    name: 'the library throws',
    holds: ({ theirs }) => theirs.errorCode !== undefined,
    percent: 35,
  },
  LIST,
  DEFAULTED,
  // the specification takes a first operand that is null for the default value to bucket by, and has UTF-8 hashed
  { name: 'what fractional buckets by', holds: has('fractional'), percent: 4 },
  // JavaScript's null equals nothing but itself; the library counts it as zero
  { name: 'null in a loose comparison', holds: has('==', '!='), percent: 0.5 },
  // JavaScript compares the text of an object, which is no number
  { name: 'a list or an object in an order', holds: has('<', '<=', '>', '>='), percent: 0.05 },
  // the library takes a list that is the only operand for the operands
  {
    name: '`!` of a list',
    holds: (pair) => has('!', '!!')(pair) && text(pair.context).includes('['),
    percent: 0.1,
  },
  BEHIND,
];

test(`flagd's library as published gives the same answers for ${PAIRS} rules and contexts`, (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: TIME * 1000 });
  compared(t, made, (pair) => ({ ours: ours(pair), theirs: theirs(FlagdCore, pair) }), DIFFERENCES);
});
