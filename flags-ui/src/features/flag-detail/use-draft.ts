import { useEffect, useReducer } from 'react';
import type { TaggedSettings } from '../../api/flags';
import { type Draft, keepMine, receive, startDraft, takeTheirs } from './draft';

export type DraftAction =
  | { do: 'edit default variant'; value: string | null }
  | { do: 'edit text'; value: string }
  | { do: 'receive'; settings: TaggedSettings }
  | { do: 'conflict'; theirs: TaggedSettings }
  | { do: 'keep mine' }
  | { do: 'take theirs' }
  | { do: 'discard' };

function reduce(draft: Draft, action: DraftAction): Draft {
  switch (action.do) {
    case 'edit default variant':
      return { ...draft, defaultVariant: action.value };
    case 'edit text':
      return { ...draft, text: action.value };
    case 'receive':
      return receive(draft, action.settings);
    case 'conflict':
      return { ...draft, theirs: action.theirs };
    case 'keep mine':
      return keepMine(draft);
    case 'take theirs':
      return takeTheirs(draft);
    case 'discard':
      return startDraft(draft.theirs ?? draft.base);
  }
}

/** Edits on top of saved settings, which may change underneath. */
export function useDraft(saved: TaggedSettings) {
  const [draft, dispatch] = useReducer(reduce, saved, startDraft);
  useEffect(() => dispatch({ do: 'receive', settings: saved }), [saved]);
  return [draft, dispatch] as const;
}
