// flagd's evaluation library with the differences taken out that are deliberate, so that all others show.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// the copy that flagd's library loads
const { LogicEngine } = require('json-logic-engine');

const truthy = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
const fold = (step, empty) => (operands) => (operands.length === 0 ? empty : operands.map(Number).reduce(step));
const pair = (holds) => ([a, b]) => holds(a, b);
const range = (holds) => ([a, b, ...c]) => holds(a, b) && (c.length === 0 || holds(b, c[0]));

/**
 * Operators as jsonlogic.com has them, with JavaScript's conversions. json-logic-engine throws where an operand is no
 * number (and so the whole flag fails), counts null as zero in `==`, and takes `substr` and `in` of texts and lists
 * alone. Its interpreter takes an only operand that is a list for all operands.
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
  '+': fold((a, b) => a + b, 0),
  '*': fold((a, b) => a * b, 1),
  '-': (operands) => (operands.length === 1 ? -Number(operands[0]) : fold((a, b) => a - b, NaN)(operands)),
  '/': fold((a, b) => a / b, NaN),
  '%': fold((a, b) => a % b, NaN),
  min: (operands) => Math.min(...operands.map(Number)),
  max: (operands) => Math.max(...operands.map(Number)),
  in: ([needle, haystack]) => (Array.isArray(haystack) || typeof haystack === 'string') && haystack !== '' && haystack.includes(needle),
  substr([text, start, length]) {
    const rest = String(text).substr(start);
    if (length === undefined || length === null) return rest;
    return rest.substr(0, length < 0 ? rest.length + length : length);
  },
};

/** As the specification has it: a first operand that is null stands for the default value to bucket by. */
const unbucketed = (fractional) => (operands, context) =>
  fractional(Array.isArray(operands) && operands[0] === null ? operands.slice(1) : operands, context);

const { addMethod } = LogicEngine.prototype;
LogicEngine.prototype.addMethod = function (name, method, options) {
  for (const [operator, replacement] of Object.entries(OPERATORS)) {
    if (this.methods[operator]?.replaced !== replacement) {
      addMethod.call(this, operator, replacement);
      this.methods[operator].replaced = replacement;
    }
  }
  return addMethod.call(this, name, name === 'fractional' ? unbucketed(method) : method, options);
};

export const { FlagdCore } = await import('@openfeature/flagd-core');
