import { describe, expect, it } from 'vitest';
import { type Edit, indent, newline, outdent, replacement } from './editing';

/** `|` marks the caret, `[` and `]` would be JSON, so a selection stands between `«` and `»`. */
function edit(marked: string): Edit {
  const caret = marked.indexOf('|');
  if (caret >= 0) return { text: marked.replace('|', ''), start: caret, end: caret };
  const start = marked.indexOf('«');
  return { text: marked.replace(/[«»]/g, ''), start, end: marked.indexOf('»') - 1 };
}
const show = ({ text, start, end }: Edit) =>
  start === end ? `${text.slice(0, start)}|${text.slice(start)}` : `${text.slice(0, start)}«${text.slice(start, end)}»${text.slice(end)}`;

describe('indent and outdent', () => {
  it('puts two spaces at the caret', () => expect(show(indent(edit('a|b')))).toBe('a  |b'));
  it('moves every selected line', () => expect(show(indent(edit('x\na«b\nc»d')))).toBe('x\n  a«b\n  c»d'));
  it('moves lines back, as far as they go', () => expect(show(outdent(edit('    a«b\n c»d')))).toBe('  a«b\nc»d'));
  it('leaves a line at the margin alone', () => expect(show(outdent(edit('a|b')))).toBe('a|b'));
});

describe('newline', () => {
  it('keeps the margin', () => expect(show(newline(edit('  "a",|')))).toBe('  "a",\n  |'));
  it('goes deeper after a bracket', () => expect(show(newline(edit('  [|1')))).toBe('  [\n    |1'));
  it('moves the closing bracket to its own line', () => expect(show(newline(edit('{|}')))).toBe('{\n  |\n}'));
});

describe('replacement', () => {
  it.each([
    ['abc', 'abXc', { start: 2, end: 2, text: 'X' }],
    ['aaa', 'aa', { start: 2, end: 3, text: '' }],
    ['ab', 'ab', { start: 2, end: 2, text: '' }],
  ])('%j to %j', (before, after, expected) => expect(replacement(before, after)).toEqual(expected));
});
