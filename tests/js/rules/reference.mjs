// json-logic-engine, and flagd's evaluation library, with the differences taken out that are deliberate, so that all
// others show.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// the copy that flagd's library loads
const library = require('json-logic-engine');
const { LogicEngine } = library;

const truthy = (value) => (value !== null && typeof value === 'object' ? Object.keys(value).length > 0 : Boolean(value));
// an only operand that is a list holds the operands
const spread = (operands) => (operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands);
const fold = (step, empty) => (operands) => (operands.length === 0 ? empty : operands.map(Number).reduce(step));
const sum = (step, empty) => (operands) => fold(step, empty)(spread(operands));
const pair = (holds) => ([a, b]) => holds(a, b);
const range = (holds) => ([a, b, ...c]) => holds(a, b) && (c.length === 0 || holds(b, c[0]));
const read = (context, path) => path.split('.').reduce((value, name) => value?.[name], context) ?? null;
const missing = (names, context) => names.flat().filter((name) => [null, ''].includes(read(context, name)));

/**
 * Operators as jsonlogic.com has them, with JavaScript's conversions. json-logic-engine throws where an operand is no
 * number (and so the whole flag fails), counts null as zero in `==`, takes `substr` and `in` of texts and lists alone,
 * finds NaN in a list of it, and has null and the empty text not missing. Its interpreter takes an only operand that is
 * a list for all operands.
 */
const OPERATORS = {
  '!': ([operand]) => !truthy(operand),
  '!!': ([operand]) => truthy(operand),
  cat: (operands) => operands.map((operand) => operand ?? '').join(''),
  '==': pair((a, b) => a == b),
  '!=': pair((a, b) => a != b),
  '<': range((a, b) => a < b),
  '<=': range((a, b) => a <= b),
  '>': pair((a, b) => a > b),
  '>=': pair((a, b) => a >= b),
  '+': sum((a, b) => a + b, 0),
  '*': sum((a, b) => a * b, 1),
  '-': (operands) => {
    const all = spread(operands);
    return all.length === 1 ? -Number(all[0]) : fold((a, b) => a - b, NaN)(all);
  },
  '/': fold((a, b) => a / b, NaN),
  '%': fold((a, b) => a % b, NaN),
  min: (operands) => Math.min(...spread(operands).map(Number)),
  max: (operands) => Math.max(...spread(operands).map(Number)),
  in: ([needle, haystack]) => (Array.isArray(haystack) || typeof haystack === 'string') && haystack !== '' && haystack.indexOf(needle) !== -1,
  missing,
  missing_some: ([least, names], context) => (names.length - missing(names, context).length >= least ? [] : missing(names, context)),
  substr([text, start, length]) {
    const rest = String(text).substr(start);
    if (length === undefined) return rest;
    return rest.substr(0, length < 0 ? rest.length + length : length);
  },
};

/** A text of whose UTF-16 the low bytes are its UTF-8: the specification hashes that, the library UTF-16. */
const utf8 = (text) => Buffer.from(text).toString('latin1');

/**
 * As the specification has it: a first operand that is null stands for the default value to bucket by, a targeting key
 * that is no text is none, and texts are hashed as UTF-8.
 */
const specified = (fractional) => (operands, context) => {
  if (!Array.isArray(operands)) return fractional(operands, context);
  const [first, ...shares] = operands;
  if (typeof first === 'string') return fractional([utf8(first), ...shares], context);
  const { targetingKey } = context;
  if (typeof targetingKey !== 'string') return null;
  return fractional(first === null ? shares : operands, { ...context, targetingKey: utf8(targetingKey) });
};

/** json-logic-engine with what is deliberately different here. */
export class Amended extends LogicEngine {
  constructor(...settings) {
    super(...settings);
    // what `reduce` may build is bounded here by bytes and steps
    this.options.maxDepth = Infinity;
    for (const [name, method] of Object.entries(OPERATORS)) super.addMethod(name, method);
  }

  /** As json-logic-engine has it: an empty list and an empty object are false. */
  truthy(value) {
    return truthy(value);
  }

  addMethod(name, method, options) {
    super.addMethod(name, name === 'fractional' ? specified(method) : method, options);
  }
}

/** json-logic-engine as it is published. */
export { LogicEngine };

library.LogicEngine = Amended;
export const { FlagdCore } = await import('@openfeature/flagd-core');
