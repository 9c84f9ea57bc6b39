// What flagd's own evaluation library answers: the measure for ours.
import { FlagdCore } from '@openfeature/flagd-core';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

/** A function (flag, context) => {value?, variant?, reason} or {errorCode}. */
export function oracle(document) {
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify(document));
  return (flag, context) => {
    const type = typeof Object.values(document.flags[flag]?.variants ?? { x: true })[0];
    const absent = { boolean: false, string: '', number: 0, object: {} }[type];
    const { value, variant, reason, errorCode } = core.resolve(type, flag, absent, context, quiet);
    if (errorCode) return { errorCode };
    return variant === undefined ? { reason } : { value, variant, reason };
  };
}
