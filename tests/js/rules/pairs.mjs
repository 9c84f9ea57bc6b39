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

export const text = (...values) => JSON.stringify(values);

/** Whether what a rule gives is a list or an object. */
const isList = (value) => typeof value === 'object' && value !== null && value.$number === undefined;

/** That no variant's name is a list. JavaScript takes its text for one, and flagd's library an empty rule for none. */
export const LIST = {
  name: 'the rule gives a list or an object',
  holds: ({ value, theirs }) => isList(value) && (theirs.variant === String(value) || theirs.reason === 'STATIC'),
  percent: 1,
};

/** Whether any path in the rule goes on behind a scalar. */
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

/** That such a path gives null here; json-logic-engine gives characters of a text, or false itself. */
export const BEHIND = { name: 'a path that goes on behind a scalar', holds: entersScalar, percent: 0.3 };

/** Whether any path in the rule that has a default leads to null. */
const findsNull = ({ rule, segments, context }) =>
  [...text(rule, segments).matchAll(/"var":\["([^"]*)",/g)].some(
    ([, path]) => path.split('.').reduce((value, name) => value?.[name], context) === null,
  );

/** That the default counts then; flagd's engines do not agree: its daemon has it so too. */
export const DEFAULTED = { name: 'an attribute that is null, with a default', holds: findsNull, percent: 0.05 };

/** The pairs of a seed, each with the value that the rule has here. Rules of `jsonlogic` know nothing of flagd. */
export function made(seed, language = 'flagd') {
  const { status, stdout, stderr } = spawnSync(program, [String(seed), String(BATCH), language], { maxBuffer: 1 << 30, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

/** What our rule's value means for a flag with such variants: section 6 of flagd's algorithm. */
export function ours({ value, error }) {
  if (error !== undefined) return { errorCode: 'GENERAL' };
  if (value === null) return { variant: 'default', reason: 'DEFAULT' };
  if (isList(value)) return { errorCode: 'GENERAL' };
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
