// A person toggles on node A; an application that asks node B sees it within a second.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboard, launch, toggle } from '../lib/browser.mjs';
import { Node, until } from '../lib/node.mjs';
import { furnish } from '../lib/place.mjs';
import { client } from '../lib/sdk.mjs';

const PROMISED_MS = 1_000;
const CONVERGE_MS = 20_000;
const LOOPBACK = 'tcp/127.0.0.1:0';

let a;
let b;
let sdk;
let browser;
let page;

before(async () => {
  a = await Node.start({ name: 'a', cluster: LOOPBACK });
  await furnish(a);
  b = await Node.start({ name: 'b', cluster: LOOPBACK, join: [a.cluster] });
  sdk = await client(b);
  browser = await launch();
  ({ page } = await dashboard(browser, a, '/t/demo/flags'));
});
after(async () => {
  await browser?.close();
  await b?.end();
  await a?.end();
});

const enabled = async () => (await sdk.getBooleanDetails('checkout', false)).value;

/** Clicks the switch and waits for the SDK's answer from B; gives the milliseconds. */
async function clickAndSee(wanted, boundMs) {
  await toggle(page, 'checkout', 'development').click();
  return until(`checkout is ${wanted} on B`, boundMs, async () => (await enabled()) === wanted);
}

test('a toggle shows on the other node within a second, without reload', async () => {
  assert.equal(await enabled(), true);
  const took = [];
  for (let round = 0; round < 10; round += 1) {
    took.push(await clickAndSee(round % 2 === 1, PROMISED_MS));
  }
  console.log(`# click to answer: ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`);
});

test('also after the other node stood still for five seconds', async () => {
  b.signal('SIGSTOP');
  await sleep(2_000);
  await toggle(page, 'checkout', 'development').click();
  await sleep(3_000);
  b.signal('SIGCONT');
  const took = await until('the toggle on B', PROMISED_MS, async () => (await enabled()) === false);
  console.log(`# seen ${took.toFixed(0)} ms after SIGCONT`);
  await clickAndSee(true, PROMISED_MS);
});

test('it survives kill -9 and restart of B', async () => {
  await clickAndSee(false, PROMISED_MS);
  await b.killAndRestart();
  assert.equal(await enabled(), false);
  await until('A speaks to B again', CONVERGE_MS, async () => {
    await toggle(page, 'checkout', 'development').click();
    const wanted = await toggle(page, 'checkout', 'development').isChecked();
    return until('the toggle', PROMISED_MS, async () => (await enabled()) === wanted).catch(() => 0);
  });
});

test('it survives kill -9 and restart of A, and the open window comes back by itself', async () => {
  const wanted = await enabled();
  await a.killAndRestart();
  const live = page.getByRole('status').filter({ hasText: /^Live$/ });
  await live.waitFor({ timeout: CONVERGE_MS });
  assert.equal(await toggle(page, 'checkout', 'development').isChecked(), wanted);
  await until('A speaks to B again', CONVERGE_MS, async () => (await a.ask('GET', '/api/v1/cluster')).body.nodes.every((node) => node.state === 'live'));
  await clickAndSee(!wanted, CONVERGE_MS);
  await clickAndSee(wanted, PROMISED_MS);
});

test('a second window, on the other node, follows live', async () => {
  const { page: other } = await dashboard(browser, b, '/t/demo/flags');
  const switched = toggle(other, 'search', 'development');
  await switched.waitFor();
  assert.equal(await switched.isChecked(), true);
  await toggle(page, 'search', 'development').click();
  const took = await until('the second window', PROMISED_MS, async () => !(await switched.isChecked()));
  console.log(`# seen in the second window after ${took.toFixed(0)} ms`);
  await toggle(other, 'search', 'development').click();
  await until('the first window', PROMISED_MS, () => toggle(page, 'search', 'development').isChecked());
});
