// flagd's own engine, in the process of the application, gives the variants that the node gives: a hundred flags, a
// thousand people.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { end, serverClient } from '../lib/flagd.mjs';
import { document, people } from '../lib/hundred.mjs';
import { Node } from '../lib/node.mjs';
import { details } from '../lib/sdk.mjs';

const PEOPLE = 1_000;
const file = fileURLToPath(new URL('../../vectors/hundred.json', import.meta.url));
const flags = Object.entries(document().flags).map(([flag, { variants }]) => [flag, typeof Object.values(variants)[0]]);

let node;
let sdk;

before(async () => {
  const args = ['--import', `demo/development=${file}`, '--grpc-open', 'demo/development'];
  node = await Node.start({ grpc: '127.0.0.1:0', args });
  sdk = await serverClient(node, 'in-process');
});
after(async () => {
  await end();
  await node.end();
});

test(`the same variants for ${PEOPLE} people`, async () => {
  const seen = new Set();
  for (const context of people(PEOPLE)) {
    const { flags: items } = await node.must('POST', '/e/demo/development/ofrep/v1/evaluate/flags', { context });
    const here = new Map(items.map((item) => [item.key, item]));
    for (const [flag, type] of flags) {
      const [ours, theirs] = [here.get(flag), await details(sdk, type, flag, context)];
      const about = `${flag} for ${JSON.stringify(context)}: ${JSON.stringify(ours)}`;
      assert.deepEqual([theirs.variant, theirs.errorCode], [ours.variant, ours.errorCode], about);
      if (ours.variant !== undefined) assert.deepEqual(theirs.value, ours.value, about);
      seen.add(`${flag}=${ours.variant}`);
    }
  }
  // people differ enough that rules and splits give each of their variants
  for (const variant of ['red', 'green', 'blue']) assert.ok(seen.has(`split-5=${variant}`), variant);
  for (const variant of ['on', 'off']) assert.ok(seen.has(`targeted-6=${variant}`) && seen.has(`split-of-some-2=${variant}`), variant);
});
