// flagd's own providers get what flagd's own library answers for the same document.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ProviderEvents } from '@openfeature/server-sdk';
import { check as answersAs } from '../lib/check.mjs';
import { end, serverClient, webClient, webContext } from '../lib/flagd.mjs';
import { contexts, document } from '../lib/hundred.mjs';
import { Node, until } from '../lib/node.mjs';
import { oracle } from '../lib/oracle.mjs';
import { details } from '../lib/sdk.mjs';

const file = fileURLToPath(new URL('../../vectors/hundred.json', import.meta.url));
const hundred = document();
const expected = oracle(hundred);
const typeOf = (flag) => typeof Object.values(hundred.flags[flag].variants)[0];
const place = '/api/v1/tenants/demo/flags/static-boolean-0/environments/development';

let node;

before(async () => {
  const args = ['--import', `demo/development=${file}`, '--grpc-open', 'demo/development'];
  node = await Node.start({ grpc: '127.0.0.1:0', args });
});
after(async () => {
  await end();
  await node.end();
});

const check = (flag, context, got, lacks) =>
  answersAs(`${flag} for ${JSON.stringify(context)}`, expected(flag, context), got, lacks);

/** Toggles until the client has heard of it. */
async function toggles(sdk, evaluate) {
  let heard = [];
  const hear = (event) => (heard = event?.flagsChanged ?? ['any']);
  sdk.addHandler(ProviderEvents.ConfigurationChanged, hear);
  for (const variant of ['off', 'on']) {
    heard = [];
    await node.must('PATCH', place, { defaultVariant: variant });
    await until('the change is heard of', 5_000, () => heard.length > 0);
    assert.ok(heard.includes('static-boolean-0') || heard.includes('any'), JSON.stringify(heard));
    await until('the change is seen', 5_000, async () => (await evaluate()).variant === variant);
  }
  sdk.removeHandler(ProviderEvents.ConfigurationChanged, hear);
}

for (const resolver of ['rpc', 'in-process']) {
  describe(`flagd-provider, ${resolver}`, () => {
    let sdk;
    before(async () => (sdk = await serverClient(node, resolver, { cache: 'lru' })));

    test('a hundred flags', async () => {
      for (const flag of Object.keys(hundred.flags)) {
        for (const context of contexts()) check(flag, context, await details(sdk, typeOf(flag), flag, context));
      }
    });

    test('unknown flags, and flags of another type', async () => {
      const unknown = await details(sdk, 'string', 'nobody-made-this', {});
      assert.deepEqual([unknown.value, unknown.errorCode], [unknown.fallback, 'FLAG_NOT_FOUND']);
      // of a flag with a rule: the provider keeps static answers by their key, whatever type is asked for
      const mistaken = await details(sdk, 'string', 'targeted-0', {});
      assert.deepEqual([mistaken.value, mistaken.errorCode], [mistaken.fallback, 'TYPE_MISMATCH']);
    });

    test('metadata arrives', async () => {
      const got = await details(sdk, 'object', 'static-object-1', {});
      assert.deepEqual(got.flagMetadata, { owner: 'team-1', order: 1, live: true, flagSetId: 'hundred', version: 1 });
    });

    test('a toggle is told, and seen although answers are kept', async () => {
      await details(sdk, 'boolean', 'static-boolean-0', {});
      await toggles(sdk, () => details(sdk, 'boolean', 'static-boolean-0', {}));
    });
  });
}

// ResolveAll of version 1 has no word for a flag without value: the provider takes it for unknown
const webLacks = { codeDefault: 'FLAG_NOT_FOUND', GENERAL: 'FLAG_NOT_FOUND', PARSE_ERROR: 'FLAG_NOT_FOUND' };
const webMethods = { boolean: 'getBooleanDetails', string: 'getStringDetails', number: 'getNumberDetails', object: 'getObjectDetails' };
const fallbacks = { boolean: false, string: 'code default', number: -999, object: { code: 'default' } };

describe('flagd-web-provider, by Connect', () => {
  let sdk;
  const ask = (type, flag) => ({ fallback: fallbacks[type], ...sdk[webMethods[type]](flag, fallbacks[type]) });
  before(async () => (sdk = await webClient(node)));

  test('a hundred flags', async () => {
    for (const context of contexts()) {
      await webContext(context);
      for (const flag of Object.keys(hundred.flags)) check(flag, context, ask(typeOf(flag), flag), webLacks);
    }
  });

  test('unknown flags, and flags of another type', () => {
    assert.equal(ask('string', 'nobody-made-this').errorCode, 'FLAG_NOT_FOUND');
    assert.equal(ask('boolean', 'static-text-0').errorCode, 'TYPE_MISMATCH');
  });

  test('a toggle is told and seen', () => toggles(sdk, () => ask('boolean', 'static-boolean-0')));
});

test('a restart of the node is survived by all', async () => {
  const clients = [await serverClient(node, 'rpc', { cache: 'disabled' }), await serverClient(node, 'in-process')];
  const web = await webClient(node);
  await node.killAndRestart();
  await node.must('PATCH', place, { defaultVariant: 'off' });
  for (const sdk of clients) {
    const seen = async () => (await details(sdk, 'boolean', 'static-boolean-0', {})).variant === 'off';
    await until('the node is found again', 20_000, seen);
  }
  await until('the node is found again', 20_000, () => web.getBooleanDetails('static-boolean-0', true).variant === 'off');
  await node.must('PATCH', place, { defaultVariant: 'on' });
});
