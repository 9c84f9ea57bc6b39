// Every page, light and dark, without a fault that axe can find.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { dashboard, launch, open } from '../lib/browser.mjs';
import { Node } from '../lib/node.mjs';
import { furnish, settings } from '../lib/place.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let node;
let browser;

before(async () => {
  node = await Node.start();
  await furnish(node);
  await node.must('PATCH', settings('banner'), { kill: true, reason: 'too loud' });
  await node.must('PATCH', settings('search'), { targeting: { if: [{ var: 'beta' }, 'off'] } });
  await node.must('POST', '/api/v1/tenants', { key: 'empty' });
  await node.must('POST', '/api/v1/tenants/empty/environments', { key: 'development' });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await node?.end();
});

/** The violations as lines: rule, element. */
async function violations(page) {
  // colours in the middle of a transition are not those of the page
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== 'running'));
  await page.evaluate(axe.source);
  const result = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), TAGS);
  assert.ok(result.passes.length > 5, 'axe saw the page');
  return result.violations.flatMap((fault) => fault.nodes.map((element) => `${fault.id}: ${element.target.join(' ')}`));
}

const pages = [
  ['list', '/t/demo/flags', (page) => page.getByRole('switch').first().waitFor()],
  ['empty list', '/t/empty/flags', (page) => page.getByRole('button', { name: 'New flag' }).first().waitFor()],
  ['detail', '/t/demo/flags/search', (page) => page.getByRole('textbox', { name: 'Targeting' }).waitFor()],
  ['killed flag', '/t/demo/flags/banner', (page) => page.getByText('too loud').first().waitFor()],
  ['new flag', '/t/demo/flags', async (page) => {
    await page.getByRole('button', { name: 'New flag' }).first().click();
    await page.getByRole('button', { name: 'Create flag' }).waitFor();
  }],
  ['faulty rule', '/t/demo/flags/search', async (page) => {
    await page.getByRole('textbox', { name: 'Targeting' }).fill('{');
    await page.getByRole('list', { name: 'Faults in the targeting' }).waitFor();
  }],
];

for (const colorScheme of ['light', 'dark']) {
  test(`login, ${colorScheme}`, async () => {
    const { page } = await open(browser, { colorScheme, reducedMotion: 'reduce' });
    await page.goto(node.url);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.context().close();
  });
  for (const [name, path, ready] of pages) {
    test(`${name}, ${colorScheme}`, async () => {
      const { page } = await dashboard(browser, node, path, { colorScheme, reducedMotion: 'reduce' });
      await ready(page);
      const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red] = dark.match(/\d+/g).map(Number);
      assert.equal(red < 100, colorScheme === 'dark', `the background is ${dark}`);
      assert.deepEqual(await violations(page), []);
      await page.context().close();
    });
  }
}
