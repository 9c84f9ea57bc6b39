import { describe, expect, it } from 'vitest';
import { type DiffLine, diffLines, withContext } from './diff';

const SIGNS = { same: ' ', added: '+', removed: '-' };
const show = (lines: readonly (DiffLine | null)[]) => lines.map((line) => (line ? SIGNS[line.kind] + line.text : '…'));

describe('diffLines', () => {
  it('marks what came and went', () => {
    expect(show(diffLines('a\nb\nc\nd', 'a\nx\nc\nd\ne'))).toEqual([' a', '-b', '+x', ' c', ' d', '+e']);
  });

  it('treats an empty text as no lines', () => {
    expect(show(diffLines('', 'a'))).toEqual(['+a']);
    expect(show(diffLines('a', ''))).toEqual(['-a']);
  });

  it('gives back both texts', () => {
    const [before, after] = ['1\n2\n3\n2\n1\n4', '2\n3\n1\n1\n2\n4'];
    const lines = diffLines(before, after);
    const side = (without: DiffLine['kind']) =>
      lines
        .filter((l) => l.kind !== without)
        .map((l) => l.text)
        .join('\n');
    expect([side('added'), side('removed')]).toEqual([before, after]);
  });

  it('stays quick on texts that share nothing', () => {
    const many = (word: string) => Array.from({ length: 3000 }, (_, at) => word + at).join('\n');
    expect(diffLines(many('a'), many('b'))).toHaveLength(6000);
  });
});

describe('withContext', () => {
  it('keeps the neighbours of changes and marks the gaps', () => {
    const lines = diffLines('1\n2\n3\n4\n5\n6\n7\n8', '1\n2\n3\nx\n5\n6\n7\n8');
    expect(show(withContext(lines, 1))).toEqual(['…', ' 3', '-4', '+x', ' 5', '…']);
  });
});
