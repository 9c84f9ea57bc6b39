// Whether a provider answers as flagd's own library.
import assert from 'node:assert/strict';

/** `wanted` is the oracle's answer, `lacks` are the words that the provider has not, by those that it has instead. */
export function check(about, wanted, got, lacks = {}) {
  about = `${about}: ${JSON.stringify(got)}`;
  if (wanted.errorCode) {
    assert.equal(got.errorCode, lacks[wanted.errorCode] ?? wanted.errorCode, about);
    assert.deepEqual(got.value, got.fallback, about);
  } else if (wanted.variant === undefined) {
    assert.deepEqual(got.value, got.fallback, about);
    if (lacks.codeDefault) assert.equal(got.errorCode, lacks.codeDefault, about);
    else assert.equal(got.reason, wanted.reason, about);
  } else {
    const reason = got.reason === 'CACHED' ? 'STATIC' : got.reason;
    assert.deepEqual({ value: got.value, variant: got.variant, reason }, wanted, about);
    assert.equal(got.errorCode, undefined, about);
  }
}
