// The real SDK with the real provider gets what flagd's own library answers for the same document.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { contexts, document } from '../lib/hundred.mjs';
import { Node, until } from '../lib/node.mjs';
import { oracle } from '../lib/oracle.mjs';
import { client, details } from '../lib/sdk.mjs';

const file = fileURLToPath(new URL('../../vectors/hundred.json', import.meta.url));
const hundred = document();
const expected = oracle(hundred);
const typeOf = (flag) => typeof Object.values(hundred.flags[flag].variants)[0];

let node;
let sdk;

before(async () => {
  node = await Node.start({ args: ['--import', `demo/development=${file}`] });
  sdk = await client(node);
});
after(() => node.end());

// the published provider 0.1.3 puts keys into the path as they are; `?`, `#` and `%` would not survive that
const flags = Object.keys(hundred.flags);

async function check(flag, context) {
  const wanted = expected(flag, context);
  const got = await details(sdk, typeOf(flag), flag, context);
  const about = `${flag} for ${JSON.stringify(context)}: ${JSON.stringify(got)}`;
  if (wanted.errorCode) {
    assert.equal(got.reason, 'ERROR', about);
    assert.equal(got.errorCode, wanted.errorCode, about);
    assert.deepEqual(got.value, got.fallback, about);
  } else if (wanted.variant === undefined) {
    // this provider has no word for an answer without value yet; the application's default is what counts
    assert.deepEqual(got.value, got.fallback, about);
    assert.equal(got.variant, undefined, about);
  } else {
    assert.deepEqual({ value: got.value, variant: got.variant, reason: got.reason }, wanted, about);
    assert.equal(got.errorCode, undefined, about);
  }
}

describe('a hundred flags through the SDK', () => {
  const kinds = [
    ['static flags of every type', (flag) => flag.startsWith('static-')],
    ['targeted flags', (flag) => /^(targeted|price|boolean-result)/.test(flag)],
    ['split flags', (flag) => flag.startsWith('split-')],
    ['disabled flags and flags without default', (flag) => /^(disabled|no-default)/.test(flag)],
    ['a rule that names no variant, and a key with a slash', (flag) => /^(names-no|we\/)/.test(flag)],
  ];
  assert.equal(flags.filter((flag) => kinds.some(([, fits]) => fits(flag))).length, 100);
  for (const [name, fits] of kinds) {
    test(name, async () => {
      for (const flag of flags.filter(fits)) {
        for (const context of contexts()) await check(flag, context);
      }
    });
  }

  test('an unknown flag gives the default and its name', async () => {
    const got = await details(sdk, 'string', 'nobody-made-this', { targetingKey: 'u' });
    assert.deepEqual([got.value, got.reason, got.errorCode], ['code default', 'ERROR', 'FLAG_NOT_FOUND']);
  });

  test('a flag of another type gives the default and says so', async () => {
    const got = await details(sdk, 'boolean', 'static-text-0', {});
    assert.deepEqual([got.value, got.reason, got.errorCode], [false, 'ERROR', 'TYPE_MISMATCH']);
  });

  test('metadata arrives', async () => {
    const got = await details(sdk, 'object', 'static-object-1', {});
    assert.deepEqual(got.flagMetadata, { owner: 'team-1', order: 1, live: true, flagSetId: 'hundred', version: 1 });
  });
});

test('a toggle is seen by the very next evaluation', async () => {
  const path = '/api/v1/tenants/demo/flags/static-boolean-0/environments/development';
  for (let round = 0; round < 20; round += 1) {
    const variant = round % 2 ? 'on' : 'off';
    await node.must('PATCH', path, { defaultVariant: variant });
    const got = await details(sdk, 'boolean', 'static-boolean-0', {});
    assert.deepEqual([got.value, got.variant], [variant === 'on', variant], `round ${round}`);
  }
});

test('a wrong token is an error and the default, never a value', async () => {
  const right = await details(sdk, 'boolean', 'static-boolean-0', {});
  assert.equal(right.value, true);
  const wrong = await client(node, { token: 'a-wrong-token' });
  const got = await details(wrong, 'boolean', 'static-boolean-0', {});
  assert.deepEqual([got.value, got.reason, got.errorCode], [false, 'ERROR', 'GENERAL']);
});

test('an environment that does not exist is an error and the default', async () => {
  const nowhere = await client(node, { place: 'demo/nowhere' });
  const got = await details(nowhere, 'boolean', 'static-boolean-0', {});
  assert.deepEqual([got.value, got.reason, got.errorCode], [false, 'ERROR', 'FLAG_NOT_FOUND']);
});

test('a restart of the node is survived', async () => {
  const path = '/api/v1/tenants/demo/flags/static-boolean-0/environments/development';
  await node.killAndRestart();
  await node.must('PATCH', path, { defaultVariant: 'off' });
  await until('the node is found again', 20_000, async () => (await details(sdk, 'boolean', 'static-boolean-0', {})).variant === 'off');
  await node.must('PATCH', path, { defaultVariant: 'on' });
});
