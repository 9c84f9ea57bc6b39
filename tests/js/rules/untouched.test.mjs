// The same rules and contexts through flagd's evaluation library as it is published. It throws where an operand is no
// number, which jsonlogic.com does not; of what it answers, all is the same but for the differences that are named here.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FlagdCore } from '@openfeature/flagd-core';

import { TIME, made, ours, theirs } from './pairs.mjs';

/** Pairs that must give the same. */
const PAIRS = 20_000;
/** Batches after which something is wrong with the generator. */
const BATCHES_MAX = 6;
/** Of the first batch; a failure prints the seed of its batch. */
const SEED = Number(process.env.BURGEE_SEED ?? 0);

const has = (...operators) => (pair) => {
  const text = JSON.stringify([pair.rule, pair.segments]);
  return operators.some((operator) => text.includes(`"${operator}"`));
};

/** Why an answer may differ, what tells it, and in how many of a hundred pairs at most. */
const DIFFERENCES = [
  {
    // no variant's name is a list; JavaScript takes its text for one
    name: 'the rule gives a list or an object',
    holds: ({ value }) => typeof value === 'object' && value !== null && value.$number === undefined,
    percent: 1,
  },
  // the specification takes a first operand that is null for the default value to bucket by, and has UTF-8 hashed
  { name: 'what fractional buckets by', holds: has('fractional'), percent: 4 },
  // JavaScript's null equals nothing but itself; the library counts it as zero
  { name: 'null in a loose comparison', holds: has('==', '!='), percent: 0.5 },
  // JavaScript compares the text of an object, which is no number
  { name: 'a list or an object in an order', holds: has('<', '<=', '>', '>='), percent: 0.05 },
];

test(`flagd's library as published gives the same answers for ${PAIRS} rules and contexts`, (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: TIME * 1000 });
  const seen = { pairs: 0, same: 0, throws: 0 };
  for (let batch = 0; seen.same < PAIRS; batch += 1) {
    assert.ok(batch < BATCHES_MAX, `only ${JSON.stringify(seen)}`);
    for (const pair of made(SEED + batch)) {
      const answers = { ours: ours(pair), theirs: theirs(FlagdCore, pair) };
      seen.pairs += 1;
      if (JSON.stringify(answers.ours) === JSON.stringify(answers.theirs)) seen.same += 1;
      else if (answers.theirs.errorCode !== undefined) seen.throws += 1;
      else {
        const known = DIFFERENCES.find(({ holds }) => holds(pair));
        assert.ok(known, `BURGEE_SEED=${SEED + batch}\n${JSON.stringify({ ...pair, ...answers }, null, 1)}`);
        seen[known.name] = (seen[known.name] ?? 0) + 1;
      }
    }
  }
  t.diagnostic(JSON.stringify(seen));
  for (const { name, percent } of DIFFERENCES) {
    assert.ok((seen[name] ?? 0) <= (seen.pairs * percent) / 100, `more of "${name}" than is known: ${JSON.stringify(seen)}`);
  }
});
