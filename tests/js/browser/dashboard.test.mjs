// What a person does in the dashboard of one node.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { dashboard, launch, open, signIn, toggle } from '../lib/browser.mjs';
import { Node, TOKEN, until } from '../lib/node.mjs';
import { FLAGS, furnish, settings } from '../lib/place.mjs';

const SHOWN_MS = 5_000;

let node;
let browser;

before(async () => {
  node = await Node.start();
  await furnish(node);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await node?.end();
});
beforeEach(() => node.must('PATCH', settings('checkout'), { state: 'ENABLED', defaultVariant: 'on', targeting: null, kill: false }));

const read = (flag) => node.must('GET', settings(flag));

test('without a token there is a login and no data', async () => {
  const { page, errors } = await open(browser);
  const asked = [];
  page.on('response', (response) => response.url().includes('/api/') && asked.push(response.status()));
  await page.goto(`${node.url}/t/demo/flags`);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  assert.ok(asked.every((status) => status === 401), `${asked}`);
  await signIn(page, 'wrong-token');
  await page.getByRole('alert').waitFor();
  await signIn(page);
  await toggle(page, 'checkout', 'development').waitFor();
  assert.ok(page.url().endsWith('/t/demo/flags'), 'where it was going');
  assert.ok(!page.url().includes(TOKEN));
  const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
  assert.ok(!kept.includes(TOKEN) && !kept.includes('burgee_session'), 'no script can read what it is logged in by');
  await page.reload();
  await toggle(page, 'checkout', 'development').waitFor();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['burgee_session', true, 'Strict']);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  const strange = errors.filter((text) => !text.includes('401'));
  assert.deepEqual(strange, [], 'the console is quiet');
  await page.context().close();
});

test('a session ends with its token', async () => {
  const tokens = '/api/v1/tenants/demo/tokens';
  const { id, token } = await node.must('POST', tokens, { name: 'n', kind: 'viewer' });
  const { page } = await open(browser);
  await page.goto(`${node.url}/t/demo/flags`);
  await signIn(page, token);
  await toggle(page, 'checkout', 'development').waitFor();
  await node.must('DELETE', `${tokens}/${id}`);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.context().close();
});

test('a change in a protected environment is confirmed, and then made', async () => {
  const environment = '/api/v1/tenants/demo/environments/guarded';
  await node.must('POST', '/api/v1/tenants/demo/environments', { key: 'guarded', protected: true });
  const { page } = await dashboard(browser, node, '/t/demo/flags');
  await toggle(page, 'checkout', 'guarded').click();
  await page.getByRole('dialog').getByRole('button').last().click();
  await until('on', SHOWN_MS, async () => (await node.must('GET', settings('checkout', 'guarded'))).state === 'ENABLED');
  await page.context().close();
  await node.must('DELETE', environment, undefined, { 'if-match': '*' });
});

test('the policy of the pages is never violated', async () => {
  const { page } = await open(browser);
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => globalThis.violations.push(event.violatedDirective));
  });
  await page.goto(`${node.url}/t/demo/flags`);
  await signIn(page);
  await toggle(page, 'checkout', 'development').waitFor();
  await page.getByRole('link', { name: 'checkout' }).first().click();
  await page.getByRole('heading', { name: 'checkout' }).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.violations), []);
  await page.context().close();
});

test('in dev there is no login', async () => {
  const dev = await Node.start({ mode: 'dev' });
  const { page, errors } = await open(browser);
  await page.goto(dev.url);
  await page.getByRole('switch').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 0);
  assert.deepEqual(errors, [], 'the console is quiet');
  await page.context().close();
  await dev.end();
});

test('flags are found by typing', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags');
  await page.getByRole('searchbox', { name: 'Search flags' }).fill('bann');
  await toggle(page, 'checkout', 'development').waitFor({ state: 'detached' });
  await toggle(page, 'banner', 'development').waitFor();
  await page.context().close();
});

test('a switch turns a flag off and on in its environment only', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags');
  await toggle(page, 'checkout', 'development').click();
  await until('off', SHOWN_MS, async () => (await read('checkout')).state === 'DISABLED');
  assert.equal((await node.must('GET', settings('checkout', 'production'))).state, 'DISABLED');
  await toggle(page, 'checkout', 'development').click();
  await until('on', SHOWN_MS, async () => (await read('checkout')).state === 'ENABLED');
  await page.context().close();
});

test('a refused toggle goes back, alone, and says why', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags');
  let refuse;
  const refusal = new Promise((resolve) => (refuse = resolve));
  await page.route(`**${settings('checkout')}`, async (route) => {
    if (route.request().method() !== 'PATCH') return route.continue();
    await refusal;
    const problem = { type: 'about:blank', title: 'Not ready', status: 503, code: 'not_ready', detail: 'the replica is joining' };
    return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) });
  });
  const checkout = toggle(page, 'checkout', 'development');
  await checkout.click();
  await until('shown at once', SHOWN_MS, async () => !(await checkout.isChecked()));
  // meanwhile somebody else turns another one off: that stays
  await node.must('PATCH', settings('search'), { state: 'DISABLED' });
  await until('the other one', SHOWN_MS, async () => !(await toggle(page, 'search', 'development').isChecked()));
  refuse();
  await until('rolled back', SHOWN_MS, () => checkout.isChecked());
  assert.equal(await toggle(page, 'search', 'development').isChecked(), false);
  await page.getByText('the replica is joining').waitFor();
  assert.equal((await read('checkout')).state, 'ENABLED');
  await node.must('PATCH', settings('search'), { state: 'ENABLED' });
  await page.context().close();
});

test('a kill with its reason shows and is released', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags/checkout');
  await page.getByRole('button', { name: 'Kill', exact: true }).click();
  await page.getByRole('textbox', { name: 'Reason' }).fill('it broke');
  await page.getByRole('button', { name: /^Kill in / }).click();
  await until('killed', SHOWN_MS, async () => (await read('checkout')).kill === true);
  await page.getByText('it broke').first().waitFor();
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  await until('released', SHOWN_MS, async () => (await read('checkout')).kill === false);
  await page.context().close();
});

const edit = async (page, rule) => {
  await page.getByRole('textbox', { name: 'Targeting' }).fill(rule);
  await page.getByRole('button', { name: 'Review and save' }).click();
  await page.getByRole('button', { name: 'Save to development' }).click();
};

test('a rule is reviewed and saved, and answers', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags/checkout');
  await edit(page, '{"if":[{"==":[{"var":"plan"},"pro"]},"off","on"]}');
  await until('saved', SHOWN_MS, async () => Boolean((await read('checkout')).targeting));
  await page.getByRole('textbox', { name: 'Context' }).fill('{"plan":"pro"}');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await page.getByText('TARGETING_MATCH').first().waitFor();
  await page.context().close();
});

test('a bad rule is shown at its place and nothing is saved', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags/checkout');
  await edit(page, '{\n  "if": [\n    { "nonsense": [1] },\n    "on"\n  ]\n}');
  const faults = page.getByRole('list', { name: 'Faults in the targeting' });
  await faults.getByText('nonsense').first().waitFor();
  assert.match(await faults.innerText(), /\b3\b/, 'the line is named');
  assert.equal((await read('checkout')).targeting, null);
  await page.context().close();
});

test('what another person saved meanwhile is not overwritten silently', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags/checkout');
  await page.getByRole('textbox', { name: 'Targeting' }).fill('{"if":[true,"off"]}');
  await node.must('PATCH', settings('checkout'), { targeting: { if: [{ var: 'beta' }, 'off'] } });
  await page.getByRole('button', { name: 'Reload theirs' }).waitFor();
  assert.deepEqual((await read('checkout')).targeting, { if: [{ var: 'beta' }, 'off'] });
  await page.context().close();
});

test('a new flag is made and found', async () => {
  const { page } = await dashboard(browser, node, '/t/demo/flags');
  await page.getByRole('button', { name: 'New flag' }).click();
  await page.getByRole('textbox', { name: 'Key', exact: true }).fill('made-in-the-browser');
  await page.getByRole('button', { name: 'Create flag' }).click();
  await until('made', SHOWN_MS, async () => (await node.ask('GET', `${FLAGS}/made-in-the-browser`)).status === 200);
  await page.context().close();
});
