// The same rules and contexts through flagd's own evaluation library: the answers are the same, but for the
// differences that are named here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { FlagdCore } from '@openfeature/flagd-core';

/** Pairs that must have been compared; those where the other engine fails do not count. */
const PAIRS = 20_000;
/** Pairs made at once. */
const BATCH = 10_000;
/** Batches after which something is wrong with the generator. */
const BATCHES_MAX = 12;
/** Of the first batch; a failure prints the seed of its batch. */
const SEED = Number(process.env.BURGEE_SEED ?? 0);
/** Seconds since 1970, as the program that makes the pairs has it. */
const TIME = 1_800_000_000;

const VARIANTS = ['on', 'off', 'other', '', '0', '1', '2', '-1', '0.5', '17', '18', '1.2', 'true', 'false', 'pro', 'null'];
const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const pairs = join(dirname(process.env.BURGEE_BIN), 'examples', 'pairs');

/** Why an answer may differ, by what tells it in the rule or in the answers. */
const DIFFERENCES = [
  // json-logic-engine refuses to compute with what is no number; here all of JavaScript's conversions hold, and what
  // is no number is NaN
  { name: 'the other engine fails', holds: ({ theirs }) => theirs.errorCode === 'GENERAL' || theirs.errorCode === 'PARSE_ERROR' },
];

function made(seed) {
  const { status, stdout, stderr } = spawnSync(pairs, [String(seed), String(BATCH)], { maxBuffer: 1 << 30, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

/** What our rule's value means for a flag with such variants: section 6 of flagd's algorithm. */
function ours({ value, error }) {
  if (error !== undefined) return { errorCode: 'GENERAL' };
  if (value === null) return { variant: 'default', reason: 'DEFAULT' };
  if (typeof value === 'object' && value.$number === undefined) return { errorCode: 'GENERAL' };
  const name = value.$number ?? String(value);
  return VARIANTS.includes(name) ? { variant: name, reason: 'TARGETING_MATCH' } : { errorCode: 'GENERAL' };
}

function theirs({ rule, segments, context }) {
  const variants = Object.fromEntries([...VARIANTS, 'default'].map((name) => [name, `value of ${name}`]));
  const flag = { state: 'ENABLED', variants, defaultVariant: 'default', targeting: rule };
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify({ flags: { flag }, $evaluators: segments }));
  const { variant, reason, errorCode } = core.resolve('string', 'flag', 'absent', context, quiet);
  return errorCode ? { errorCode } : { variant, reason };
}

test(`flagd's evaluation library gives the same answers for ${PAIRS} rules and contexts`, (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: TIME * 1000 });
  const seen = { same: 0 };
  for (let batch = 0; seen.same < PAIRS; batch += 1) {
    assert.ok(batch < BATCHES_MAX, `only ${JSON.stringify(seen)}`);
    for (const pair of made(SEED + batch)) {
      const answers = { ours: ours(pair), theirs: theirs(pair) };
      if (JSON.stringify(answers.ours) === JSON.stringify(answers.theirs)) {
        seen.same += 1;
        continue;
      }
      const known = DIFFERENCES.find(({ holds }) => holds({ ...pair, ...answers }));
      assert.ok(known, `BURGEE_SEED=${SEED + batch}\n${JSON.stringify({ ...pair, ...answers }, null, 1)}`);
      seen[known.name] = (seen[known.name] ?? 0) + 1;
    }
  }
  t.diagnostic(JSON.stringify(seen));
});
