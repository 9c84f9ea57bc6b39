/** The text of an editor with its selection. */
export type Edit = { text: string; start: number; end: number };

const UNIT = '  ';

/** Tab: two spaces at the caret, or every line of a selection moved right. */
export function indent({ text, start, end }: Edit): Edit {
  if (!text.slice(start, end).includes('\n')) {
    return { text: text.slice(0, start) + UNIT + text.slice(end), start: start + UNIT.length, end: start + UNIT.length };
  }
  return eachLine({ text, start, end }, (line) => (line === '' ? line : UNIT + line));
}

/** Shift-Tab: the lines of the selection moved left. */
export const outdent = (edit: Edit): Edit => eachLine(edit, (line) => line.replace(/^ {1,2}|^\t/, ''));

/** Enter: the next line begins where this one does, deeper after an opening bracket. */
export function newline({ text, start, end }: Edit): Edit {
  const before = text.slice(0, start);
  const after = text.slice(end);
  const margin = /^[ \t]*/.exec(before.slice(before.lastIndexOf('\n') + 1))?.[0] ?? '';
  const opens = /[[{]\s*$/.test(before);
  const closes = opens && /^\s*[\]}]/.test(after);
  const lead = `\n${margin}${opens ? UNIT : ''}`;
  const caret = before.length + lead.length;
  return { text: before + lead + (closes ? `\n${margin}` : '') + after, start: caret, end: caret };
}

function eachLine({ text, start, end }: Edit, change: (line: string) => string): Edit {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const lines = text.slice(from, end).split('\n');
  const changed = lines.map(change);
  const firstGrowth = (changed[0]?.length ?? 0) - (lines[0]?.length ?? 0);
  const block = changed.join('\n');
  return { text: text.slice(0, from) + block + text.slice(end), start: Math.max(from, start + firstGrowth), end: from + block.length };
}

/** The smallest replacement that turns `before` into `after`: what the browser's undo should record. */
export function replacement(before: string, after: string) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < before.length - start && tail < after.length - start && before[before.length - 1 - tail] === after[after.length - 1 - tail])
    tail++;
  return { start, end: before.length - tail, text: after.slice(start, after.length - tail) };
}
