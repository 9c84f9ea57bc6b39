import type { SettingsPatch } from '../../api/change-settings';
import type { TaggedSettings } from '../../api/flags';
import type { Json, Settings } from '../../api/types';
import { isEmptyTargeting } from '../../shared/domain/serving';
import { sameJson } from '../../shared/json/equal';
import { formatJson } from '../../shared/json/format';
import { scan } from '../../shared/json/scan';

/** The members that are edited here and then saved together. State and kill act at once and are not drafted. */
export type Field = 'defaultVariant' | 'targeting';

export type Draft = {
  /** The saved settings that the edits started from. */
  base: TaggedSettings;
  defaultVariant: string | null;
  /** The rule as it is typed; empty for none. */
  text: string;
  /** What somebody else saved meanwhile, in a field that is edited here too. */
  theirs?: TaggedSettings;
};

export const startDraft = (base: TaggedSettings): Draft => ({
  base,
  defaultVariant: base.settings.defaultVariant,
  text: textOf(base.settings.targeting),
});

export const textOf = (targeting: Json) => (isEmptyTargeting(targeting) ? '' : formatJson(targeting));

/** The rule that a text means; undefined while it is not JSON. */
export function targetingOf(text: string): Json | undefined {
  if (text.trim() === '') return null;
  const read = scan(text);
  return read.ok ? read.value : undefined;
}

/** The fields that differ from what is saved. */
export function editedFields({ base, defaultVariant, text }: Draft): Field[] {
  const fields: Field[] = [];
  if (defaultVariant !== base.settings.defaultVariant) fields.push('defaultVariant');
  const targeting = targetingOf(text);
  if (targeting === undefined || !sameTargeting(targeting, base.settings.targeting)) fields.push('targeting');
  return fields;
}

/** What to send; undefined while the rule is not JSON. */
export function patchOf(draft: Draft): SettingsPatch | undefined {
  const patch: SettingsPatch = {};
  for (const field of editedFields(draft)) {
    if (field === 'defaultVariant') patch.defaultVariant = draft.defaultVariant;
    else {
      const targeting = targetingOf(draft.text);
      if (targeting === undefined) return undefined;
      patch.targeting = targeting;
    }
  }
  return patch;
}

/**
 * Takes in newly read settings. Fields that are not edited follow them; a field that is edited here and was
 * changed there, to something else, is a conflict that the user decides.
 */
export function receive(draft: Draft, next: TaggedSettings): Draft {
  const clash = editedFields(draft).some(
    (field) => changedBetween(field, draft.base.settings, next.settings) && !agrees(field, draft, next.settings),
  );
  return clash ? { ...draft, theirs: next } : rebase(draft, next);
}

/** The user's edits on top of what the others saved. */
export const keepMine = (draft: Draft): Draft => (draft.theirs ? rebase(draft, draft.theirs) : draft);

export const takeTheirs = (draft: Draft): Draft => startDraft(draft.theirs ?? draft.base);

function rebase(draft: Draft, next: TaggedSettings): Draft {
  const edited = editedFields(draft).filter((field) => !agrees(field, draft, next.settings));
  const fresh = startDraft(next);
  return {
    ...fresh,
    defaultVariant: edited.includes('defaultVariant') ? draft.defaultVariant : fresh.defaultVariant,
    text: edited.includes('targeting') || sameTargeting(draft.base.settings.targeting, next.settings.targeting) ? draft.text : fresh.text,
  };
}

function changedBetween(field: Field, before: Settings, after: Settings) {
  return field === 'defaultVariant' ? before.defaultVariant !== after.defaultVariant : !sameTargeting(before.targeting, after.targeting);
}

function agrees(field: Field, draft: Draft, settings: Settings) {
  if (field === 'defaultVariant') return draft.defaultVariant === settings.defaultVariant;
  const targeting = targetingOf(draft.text);
  return targeting !== undefined && sameTargeting(targeting, settings.targeting);
}

const sameTargeting = (a: Json, b: Json) => (isEmptyTargeting(a) && isEmptyTargeting(b)) || sameJson(a, b);
