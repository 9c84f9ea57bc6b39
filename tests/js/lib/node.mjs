// A burgee process under test: start, announcement, readiness, signals, restart on the same data.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const TOKEN = 'token-of-the-tests';
const START_BOUND_MS = 30_000;

/** Asks until the answer is truthy; gives the milliseconds that it took. */
export async function until(what, boundMs, probe) {
  const start = performance.now();
  for (;;) {
    const seen = await probe();
    const took = performance.now() - start;
    if (seen) return took;
    if (took > boundMs) throw new Error(`${what}: not within ${boundMs} ms`);
    await sleep(5);
  }
}

function environment() {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('BURGEE_'));
  return Object.fromEntries(ours);
}

export class Node {
  /** Starts `burgee serve` (or `mode`) and waits until it is ready. */
  static async start({ mode = 'serve', name = 'a', listen = '127.0.0.1:0', grpc, cluster, join: seeds = [], args = [], data } = {}) {
    const node = new Node();
    node.options = { mode, name, seeds, args };
    node.data = data ?? mkdtempSync(join(tmpdir(), 'burgee-js-'));
    const all = [mode, '--announce', '--listen', listen, '--data-dir', join(node.data, 'data'), '--node-name', name];
    if (mode === 'serve') all.push('--admin-token', TOKEN);
    // a name of its own: a port that one run gave up may be another's
    if (cluster) all.push('--cluster-listen', cluster, '--cluster-name', `test-${process.pid}`);
    // without it `dev` takes the usual port, which one node alone can have
    if (grpc || mode === 'dev') all.push('--grpc-listen', grpc ?? '127.0.0.1:0');
    for (const seed of seeds) all.push('--join', seed);
    const program = process.env.BURGEE_BIN;
    if (!program) throw new Error('BURGEE_BIN must name the program');
    node.child = spawn(program, [...all, ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    node.stderr = '';
    node.child.stderr.on('data', (chunk) => (node.stderr += chunk));
    node.exited = new Promise((resolve) => node.child.once('exit', resolve));
    Object.assign(node, await node.#announcement());
    await until('ready', START_BOUND_MS, async () => (await fetch(`${node.url}/readyz`)).ok);
    return node;
  }

  async #announcement() {
    let text = '';
    this.child.stdout.on('data', (chunk) => (text += chunk));
    let ended = false;
    this.exited.then(() => (ended = true));
    await until('the announcement', START_BOUND_MS, () => {
      if (ended) throw new Error(`the node ended: ${this.stderr}`);
      return text.includes('\n');
    });
    const { http, grpc, cluster } = JSON.parse(text.split('\n')[0]);
    return { http, grpc, cluster, url: `http://${http}` };
  }

  signal(name) {
    this.child.kill(name);
  }

  /** `kill -9`, then the same node again: same data, same addresses. */
  async killAndRestart() {
    this.signal('SIGKILL');
    await this.exited;
    const { mode, name, seeds, args } = this.options;
    const again = await Node.start({ mode, name, join: seeds, args, data: this.data, listen: this.http, grpc: this.grpc ?? undefined, cluster: this.cluster ?? undefined });
    Object.assign(this, again);
  }

  async end() {
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await this.exited;
    rmSync(this.data, { recursive: true, force: true });
  }

  /** A request with the node's token; gives status and parsed body. */
  async ask(method, path, body, more = {}) {
    const headers = { ...more, authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** The same, where it must succeed. */
  async must(method, path, body, more) {
    const answer = await this.ask(method, path, body, more);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}
