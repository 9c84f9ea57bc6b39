// The web SDK with OFREP's provider: one request for all flags, and events that have it ask again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { EventSource } from '../lib/event-source.mjs';
import { contexts, document } from '../lib/hundred.mjs';
import { Node, TOKEN, until } from '../lib/node.mjs';
import { oracle } from '../lib/oracle.mjs';

const file = fileURLToPath(new URL('../../vectors/hundred.json', import.meta.url));
const hundred = document();
const expected = oracle(hundred);
const methods = { boolean: ['getBooleanDetails', false], string: ['getStringDetails', 'code'], number: ['getNumberDetails', -9], object: ['getObjectDetails', { code: 1 }] };
const path = '/api/v1/tenants/demo/flags/static-boolean-0/environments/development';

let node;
let sdk;
// what the provider asked for all flags, and how that was answered
const asked = [];

async function recorded(input, init) {
  const request = new Request(input, init);
  const answer = await fetch(request);
  asked.push({ url: request.url, known: request.headers.get('if-none-match'), status: answer.status });
  return answer;
}

before(async () => {
  globalThis.EventSource = EventSource;
  node = await Node.start({ args: ['--import', `demo/development=${file}`] });
  const provider = new OFREPWebProvider({
    baseUrl: `${node.url}/e/demo/development`,
    headers: [['Authorization', `Bearer ${TOKEN}`]],
    fetchImplementation: recorded,
  });
  await OpenFeature.setContext({ targetingKey: 'u' });
  await OpenFeature.setProviderAndWait(provider);
  sdk = OpenFeature.getClient();
});
after(async () => {
  await OpenFeature.close();
  await node.end();
});

function ask(flag) {
  const [method, fallback] = methods[typeof Object.values(hundred.flags[flag]?.variants ?? { x: true })[0]];
  return { fallback, ...sdk[method](flag, fallback) };
}

describe('ofrep-web-provider', () => {
  test('a hundred flags, of which those that fail do not keep the others', async () => {
    for (const context of contexts()) {
      await OpenFeature.setContext(context);
      for (const flag of Object.keys(hundred.flags)) {
        const [wanted, got] = [expected(flag, context), ask(flag)];
        const about = `${flag} for ${JSON.stringify(context)}: ${JSON.stringify(got)}`;
        if (wanted.errorCode) assert.equal(got.errorCode, wanted.errorCode, about);
        else if (wanted.variant === undefined) assert.deepEqual(got.value, got.fallback, about);
        else assert.deepEqual([got.value, got.variant, got.reason], [wanted.value, wanted.variant, wanted.reason], about);
      }
    }
    assert.equal(ask('nobody-made-this').errorCode, 'FLAG_NOT_FOUND');
    assert.equal(sdk.getBooleanDetails('static-text-0', false).errorCode, 'TYPE_MISMATCH');
  });

  test('a change of what no rule reads is answered by 304, with the tag of before', async () => {
    await OpenFeature.setContext({ targetingKey: 'v', plan: 'pro', unread: 1 });
    asked.length = 0;
    await OpenFeature.setContext({ targetingKey: 'v', plan: 'pro', unread: 2 });
    const own = asked.filter((one) => !one.url.includes('flagConfigEtag'));
    assert.ok(own.length > 0 && own.every((one) => one.known && one.status === 304), JSON.stringify(asked));
  });

  test('a toggle is told of, and what was told is asked for', async () => {
    let heard = 0;
    sdk.addHandler(ProviderEvents.ConfigurationChanged, () => (heard += 1));
    for (const variant of ['off', 'on']) {
      const before = heard;
      asked.length = 0;
      await node.must('PATCH', path, { defaultVariant: variant });
      await until('the toggle is seen', 5_000, () => ask('static-boolean-0').variant === variant);
      assert.ok(asked.some((one) => one.status === 200 && /flagConfigEtag=[0-9a-f]{32}/.test(one.url)), JSON.stringify(asked));
      await until('the change is told', 5_000, () => heard > before);
    }
  });

  test('a restart of the node is survived', async () => {
    await node.killAndRestart();
    await node.must('PATCH', path, { defaultVariant: 'off' });
    await until('the toggle is seen', 20_000, () => ask('static-boolean-0').variant === 'off');
  });
});
