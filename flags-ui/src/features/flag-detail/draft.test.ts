import { describe, expect, it } from 'vitest';
import type { Settings } from '../../api/types';
import { someSettings } from '../../testing/fixtures';
import { type Draft, editedFields, keepMine, patchOf, receive, startDraft, takeTheirs, textOf } from './draft';

const RULE = { if: [true, 'on', 'off'] };
const tagged = (settings: Partial<Settings> = {}, etag = '"1"') => ({ settings: someSettings({ targeting: RULE, ...settings }), etag });
const edited = (parts: Partial<Draft>): Draft => ({ ...startDraft(tagged()), ...parts });

describe('editing', () => {
  it('starts clean', () => expect(editedFields(startDraft(tagged()))).toEqual([]));

  it('looks at meaning, not at white space', () => {
    expect(editedFields(edited({ text: '{"if":[true,"on","off"]}' }))).toEqual([]);
    expect(editedFields({ ...startDraft(tagged({ targeting: {} })), text: ' \n' })).toEqual([]);
  });

  it('sends the edited fields only', () => {
    expect(patchOf(edited({ defaultVariant: 'off' }))).toEqual({ defaultVariant: 'off' });
    expect(patchOf(edited({ text: '' }))).toEqual({ targeting: null });
  });

  it('counts broken JSON as an edit that cannot be sent', () => {
    const broken = edited({ text: '{' });
    expect(editedFields(broken)).toEqual(['targeting']);
    expect(patchOf(broken)).toBeUndefined();
  });
});

describe('what others save', () => {
  const newRule = { if: [false, 'on', 'off'] };

  it('is followed where nothing is edited', () => {
    const next = receive(edited({}), tagged({ targeting: newRule, defaultVariant: 'off' }, '"2"'));
    expect(next).toEqual(startDraft(tagged({ targeting: newRule, defaultVariant: 'off' }, '"2"')));
  });

  it('keeps an edit of another field, and white space', () => {
    const text = '{"if":  [true, "on", "off"]}';
    const next = receive(edited({ defaultVariant: 'off', text }), tagged({ state: 'DISABLED' }, '"2"'));
    expect(next.theirs).toBeUndefined();
    expect(next.text).toBe(text);
    expect(patchOf(next)).toEqual({ defaultVariant: 'off' });
    expect(next.base.etag).toBe('"2"');
  });

  it('is a conflict in the same field, which either side can win', () => {
    const theirs = tagged({ targeting: newRule, defaultVariant: 'off' }, '"2"');
    const next = receive(edited({ text: '{"var": "x"}' }), theirs);
    expect(next.theirs).toEqual(theirs);
    expect(next.base.etag).toBe('"1"');
    expect(takeTheirs(next)).toEqual(startDraft(theirs));
    const mine = keepMine(next);
    expect(mine).toMatchObject({ text: '{"var": "x"}', defaultVariant: 'off', base: theirs });
    expect(mine.theirs).toBeUndefined();
    expect(patchOf(mine)).toEqual({ targeting: { var: 'x' } });
  });

  it('is no conflict if both made the same change', () => {
    const next = receive(edited({ text: textOf(newRule) }), tagged({ targeting: newRule }, '"2"'));
    expect(next.theirs).toBeUndefined();
    expect(editedFields(next)).toEqual([]);
  });
});
