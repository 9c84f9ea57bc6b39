// Generated rules and contexts, with what they give here and in flagd's evaluation library.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** Pairs made at once. */
const BATCH = 10_000;
/** Seconds since 1970, as the program that makes the pairs has it. */
export const TIME = 1_800_000_000;

const VARIANTS = ['on', 'off', 'other', '', '0', '1', '2', '-1', '0.5', '17', '18', '1.2', 'true', 'false', 'pro', 'null'];
const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const program = join(dirname(process.env.BURGEE_BIN), 'examples', 'pairs');

/** The pairs of a seed, each with the value that the rule has here. */
export function made(seed) {
  const { status, stdout, stderr } = spawnSync(program, [String(seed), String(BATCH)], { maxBuffer: 1 << 30, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

/** What our rule's value means for a flag with such variants: section 6 of flagd's algorithm. */
export function ours({ value, error }) {
  if (error !== undefined) return { errorCode: 'GENERAL' };
  if (value === null) return { variant: 'default', reason: 'DEFAULT' };
  if (typeof value === 'object' && value.$number === undefined) return { errorCode: 'GENERAL' };
  const name = value.$number ?? String(value);
  return VARIANTS.includes(name) ? { variant: name, reason: 'TARGETING_MATCH' } : { errorCode: 'GENERAL' };
}

/** What a class of flagd's library gives. */
export function theirs(FlagdCore, { rule, segments, context }) {
  const variants = Object.fromEntries([...VARIANTS, 'default'].map((name) => [name, `value of ${name}`]));
  const flag = { state: 'ENABLED', variants, defaultVariant: 'default', targeting: rule };
  // its interpreter: of the code that it generates, parts bind too loosely (`cat` of `all`), and `cat` writes out null
  const core = new FlagdCore(undefined, quiet, { disableDynamicCodeGeneration: true });
  core.setConfigurations(JSON.stringify({ flags: { flag }, $evaluators: segments }));
  const { variant, reason, errorCode } = core.resolve('string', 'flag', 'absent', context, quiet);
  return errorCode ? { errorCode } : { variant, reason };
}
