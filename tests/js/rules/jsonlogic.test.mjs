// Plain JsonLogic through json-logic-engine alone, without flagd around it: values are compared, not variants. What the
// engine does otherwise must be what reference.mjs replaces: with that in place, it gives the same value.
import { test } from 'node:test';

import { PAIRS, compared } from './compared.mjs';
import { BEHIND, DEFAULTED, made, text } from './pairs.mjs';
import { Amended, LogicEngine } from './reference.mjs';

/**
 * As our side writes a value: with a text for what JSON has no number for, with U+FFFD for half of a surrogate pair, and
 * with members in the order of their names.
 */
function plain(value) {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, part) => {
      if (typeof part === 'number' && !Number.isFinite(part)) return { $number: String(part) };
      if (typeof part === 'string') return part.toWellFormed();
      if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
      return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
    }),
  );
}

/** What an engine makes of a pair: `{value}`, or `{thrown}`. */
function run(engine, { rule, context }) {
  try {
    return { value: plain(engine.run(rule, context)) };
  } catch (thrown) {
    return { thrown: thrown?.type ?? thrown?.message ?? 'nothing' };
  }
}

const amended = ({ rule, context, ours }) => text(run(new Amended(), { rule, context })) === text(ours);
const has = (rule, part) => text(rule).includes(part);

const DIFFERENCES = [
  {
    // of an operand that is no number, or of `substr` and `in` of what is no text: jsonlogic.com converts it
    name: 'the engine throws',
    holds: (pair) => pair.theirs.thrown !== undefined && amended(pair),
    percent: 50,
  },
  // above all `==` of null with zero, and `missing` of null and of an empty text
  { name: 'an operator that is replaced', holds: amended, percent: 1.5 },
  BEHIND,
  DEFAULTED,
  {
    // it throws, and with what reference.mjs replaces it takes the list within for the operands once more
    name: 'a list within a list that is the only operand',
    holds: ({ rule, context, theirs }) =>
      theirs.thrown !== undefined && /"(\+|\*|-|min|max)":\{/.test(text(rule)) && text(context).includes('[['),
    percent: 0.05,
  },
  {
    // the body of `reduce` that reads nothing
    name: 'the engine fails',
    holds: ({ rule, theirs }) => has(rule, '"reduce"') && theirs.thrown !== undefined,
    percent: 0.03,
  },
];

test(`json-logic-engine gives the same values for ${PAIRS} rules and contexts`, (t) => {
  const answers = (pair) => ({
    ours: pair.error === undefined ? { value: plain(pair.value) } : { thrown: pair.error },
    theirs: run(new LogicEngine(), pair),
  });
  compared(t, (seed) => made(seed, 'jsonlogic'), answers, DIFFERENCES);
});
