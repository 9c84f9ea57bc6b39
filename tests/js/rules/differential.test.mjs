// The same rules and contexts through flagd's own evaluation library: the answers are the same, but for the
// differences that are named here and in reference.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TIME, made, ours, theirs } from './pairs.mjs';
import { FlagdCore } from './reference.mjs';

/** Pairs that must have been compared; those where the other engine fails do not count. */
const PAIRS = 20_000;
/** Batches after which something is wrong with the generator. */
const BATCHES_MAX = 12;
/** Of the first batch; a failure prints the seed of its batch. */
const SEED = Number(process.env.BURGEE_SEED ?? 0);
const text = (...values) => JSON.stringify(values);

/** Whether any path in the rule goes on behind a scalar: the library gives characters of a text, or false itself. */
function entersScalar({ rule, segments, context }) {
  const paths = new Set(text(rule, segments).match(/"[a-z]+(\.[a-z0-9]+)+"/gi)?.map((path) => JSON.parse(path)));
  return [...paths].some((path) => {
    let value = context;
    return path.split('.').some((name) => {
      if (!['object', 'undefined'].includes(typeof value)) return true;
      value = value?.[name];
      return false;
    });
  });
}

/** Why an answer may still differ, and what tells it. */
const DIFFERENCES = [
  {
    // no variant's name is a list; JavaScript takes its text for one
    name: 'the rule gives a list or an object',
    holds: ({ value }) => typeof value === 'object' && value !== null && value.$number === undefined,
  },
  {
    // flagd's specification hashes UTF-8, the library UTF-16
    name: 'a hash of text that is not ASCII',
    // eslint-disable-next-line no-control-regex
    holds: ({ rule, segments, context }) => text(rule, segments).includes('fractional') && /[^\x00-\x7f]/.test(text(rule, segments, context)),
  },
  {
    // the specification gives null, the library hashes the text that JavaScript makes of it
    name: 'a targeting key that is no text',
    holds: ({ rule, segments, context }) => text(rule, segments).includes('fractional') && typeof context.targetingKey !== 'string',
  },
  {
    // whether the first operand is a share is decided by the rule, not by what an attribute holds
    name: 'a list in the attribute to bucket by',
    holds: ({ rule, segments, context }) => text(rule, segments).includes('fractional') && Array.isArray(context.email),
  },
  {
    // flagd's engines do not agree: its daemon takes the default there too
    name: 'an attribute that is null, with a default',
    holds: ({ rule, segments, context }) => text(rule, segments).includes('"var":[') && text(context).includes('null'),
  },
  {
    // as on jsonlogic.com: of lists alone the empty one is false
    name: 'an empty object in a condition',
    holds: ({ context }) => text(context).includes('{}'),
  },
  { name: 'a path that goes on behind a scalar', holds: entersScalar },
  {
    // goes through what is no list, and the like: here that is as an empty list
    name: 'the library throws',
    holds: ({ theirs }) => theirs.errorCode !== undefined,
  },
];

test(`flagd's evaluation library gives the same answers for ${PAIRS} rules and contexts`, (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: TIME * 1000 });
  const seen = { same: 0 };
  for (let batch = 0; seen.same < PAIRS; batch += 1) {
    assert.ok(batch < BATCHES_MAX, `only ${text(seen)}`);
    for (const pair of made(SEED + batch)) {
      const answers = { ours: ours(pair), theirs: theirs(FlagdCore, pair) };
      if (JSON.stringify(answers.ours) === JSON.stringify(answers.theirs)) {
        seen.same += 1;
        continue;
      }
      const known = DIFFERENCES.find(({ holds }) => holds({ ...pair, ...answers }));
      assert.ok(known, `BURGEE_SEED=${SEED + batch}\n${JSON.stringify({ ...pair, ...answers }, null, 1)}`);
      seen[known.name] = (seen[known.name] ?? 0) + 1;
    }
  }
  t.diagnostic(text(seen));
});
