import { useQueryClient } from '@tanstack/react-query';
import { type Dispatch, useState } from 'react';
import { useChangeSettings } from '../../api/change-settings';
import { ApiError, hasStatus } from '../../api/error';
import { fetchSettings } from '../../api/flags';
import { keys } from '../../api/keys';
import type { Environment, FieldError } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { notifyDone, notifyFailure } from '../../shared/ui/notify';
import { sortErrors } from './diagnostics';
import { type Draft, patchOf } from './draft';
import type { DraftAction } from './use-draft';

type Options = { tenant: string; flag: string; environment: Environment; draft: Draft; dispatch: Dispatch<DraftAction> };

const NO_ERRORS: readonly FieldError[] = [];

/** Reviewing a draft, saving it, and what can go wrong on the way. */
export function useSave({ tenant, flag, environment, draft, dispatch }: Options) {
  const client = useQueryClient();
  const change = useChangeSettings(tenant);
  const [reviewing, setReviewing] = useState(false);
  const [errors, setErrors] = useState(NO_ERRORS);
  const title = environmentTitle(environment);

  const review = () => {
    if (patchOf(draft)) setReviewing(true);
    else notifyFailure('The targeting is not JSON yet', new Error('Correct the marked line first.'));
  };

  const send = (note: string) => {
    const patch = patchOf(draft);
    if (!patch) return;
    setErrors(NO_ERRORS);
    const wanted = { flag, environment: environment.key, patch: note ? { ...patch, note } : patch, etag: draft.base.etag };
    change.mutate(wanted, {
      onSuccess: () => notifyDone(`Saved to ${title}`, flag),
      onError: (error) => void refused(error),
      onSettled: () => setReviewing(false),
    });
  };

  const refused = async (error: unknown) => {
    if (hasStatus(error, 412)) return showTheirs();
    if (error instanceof ApiError) setErrors(error.errors);
    notifyFailure(`Not saved to ${title}`, error);
  };

  const showTheirs = async () => {
    try {
      const theirs = await fetchSettings(tenant, flag, environment.key);
      dispatch({ do: 'conflict', theirs });
    } catch (error) {
      notifyFailure(`Not saved to ${title}: somebody else changed it`, error);
      void client.invalidateQueries({ queryKey: keys.settings(tenant, flag, environment.key) });
    }
  };

  const discard = () => {
    setErrors(NO_ERRORS);
    dispatch({ do: 'discard' });
  };
  return { review, reviewing, closeReview: () => setReviewing(false), send, discard, busy: change.isPending, errors: sortErrors(errors) };
}
