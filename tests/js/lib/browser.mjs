// Headless Chromium with the dashboard of a node open in it.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { TOKEN } from './node.mjs';

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PAGE_BOUND_MS = 10_000;

export const launch = () => chromium.launch({ executablePath: PROGRAM, args: FLAGS });

/** A window of its own: `{page, errors}`; what its console complains of is collected. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PAGE_BOUND_MS);
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  return { page, errors };
}

export async function signIn(page, token = TOKEN) {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens a path of a node's dashboard, signed in, and waits until it is live. */
export async function dashboard(browser, node, path = '/', options = {}) {
  const window = await open(browser, options);
  await window.page.goto(node.url + path);
  await signIn(window.page);
  await window.page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
  return window;
}

export const toggle = (page, flag, environment) => page.getByRole('switch', { name: `${flag} in ${environment}`, exact: true });
