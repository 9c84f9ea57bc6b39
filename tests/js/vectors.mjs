// Writes ../vectors/hundred.json and ../vectors/hundred.cases.json; `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { contexts, document } from './lib/hundred.mjs';
import { oracle } from './lib/oracle.mjs';

const folder = new URL('../vectors/', import.meta.url);

/** `{contexts, answers: {flag: [an answer a context] | the answer that all get}}`, a line a flag. */
function cases(document) {
  const ask = oracle(document);
  const lines = [...Object.keys(document.flags), 'unknown-flag'].map((flag) => {
    const answers = contexts().map((context) => JSON.stringify(ask(flag, context)));
    const same = answers.every((answer) => answer === answers[0]);
    return `${JSON.stringify(flag)}: ${same ? answers[0] : `[${answers.join(', ')}]`}`;
  });
  const people = contexts().map((context) => JSON.stringify(context));
  return `{\n"contexts": [\n${people.join(',\n')}\n],\n"answers": {\n${lines.join(',\n')}\n}\n}\n`;
}

const hundred = document();
const files = { 'hundred.json': `${JSON.stringify(hundred, null, 1)}\n`, 'hundred.cases.json': cases(hundred) };
for (const [name, text] of Object.entries(files)) {
  const url = new URL(name, folder);
  if (!process.argv.includes('--check')) writeFileSync(url, text);
  else if (readFileSync(url, 'utf8') !== text) throw new Error(`${name} is stale: run npm run vectors`);
}
console.log(`${Object.keys(hundred.flags).length} flags`);
