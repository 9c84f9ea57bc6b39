import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { settingsQuery, type TaggedSettings } from '../../api/flags';
import type { Environment, Flag } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { Failure } from '../../shared/ui/Failure';
import { ConflictNotice } from './ConflictNotice';
import { editedFields } from './draft';
import { EvaluateCard } from './EvaluateCard';
import { LeaveGuard } from './LeaveGuard';
import { ReviewDialog } from './ReviewDialog';
import { SaveBar } from './SaveBar';
import { StateCard } from './StateCard';
import { TargetingCard } from './TargetingCard';
import { useDraft } from './use-draft';
import { useSave } from './use-save';
import { VariantsCard } from './VariantsCard';

type Props = { tenant: string; flag: Flag; environment: Environment };

/** Everything about a flag in one environment. */
export function EnvironmentPanel({ tenant, flag, environment }: Props) {
  const settings = useQuery(settingsQuery(tenant, flag.key, environment.key));
  if (settings.data) return <Panel tenant={tenant} flag={flag} environment={environment} saved={settings.data} />;
  if (settings.error)
    return (
      <Failure error={settings.error} what={`environment “${environmentTitle(environment)}”`} onRetry={() => void settings.refetch()} />
    );
  return (
    <Stack gap="md" pt="md" role="status" aria-label="Loading">
      <Skeleton h={76} />
      <Skeleton h={280} />
    </Stack>
  );
}

function Panel({ tenant, flag, environment, saved }: Props & { saved: TaggedSettings }) {
  const [draft, dispatch] = useDraft(saved);
  const save = useSave({ tenant, flag: flag.key, environment, draft, dispatch });
  const edited = editedFields(draft);
  return (
    <div className="panel">
      <div className="panel-main">
        <StateCard tenant={tenant} flag={flag.key} environment={environment} settings={saved.settings} />
        <TargetingCard
          flag={flag}
          environment={environment.key}
          draft={draft}
          serverErrors={save.errors.rule}
          onChange={(value) => dispatch({ do: 'edit text', value })}
        />
      </div>
      <div className="panel-side">
        <VariantsCard
          variants={{ ...flag.variants, ...saved.settings.variants }}
          value={draft.defaultVariant}
          error={save.errors.members.defaultVariant}
          onChange={(value) => dispatch({ do: 'edit default variant', value })}
        />
        <EvaluateCard tenant={tenant} flag={flag.key} environment={environment} unsaved={edited.length > 0} />
      </div>
      {draft.theirs && <ConflictNotice draft={draft} theirs={draft.theirs} environment={environment} dispatch={dispatch} />}
      {edited.length > 0 && !draft.theirs && (
        <SaveBar count={edited.length} environment={environment} busy={save.busy} onDiscard={save.discard} onReview={save.review} />
      )}
      <ReviewDialog
        draft={draft}
        environment={environment}
        opened={save.reviewing}
        busy={save.busy}
        onClose={save.closeReview}
        onSave={save.send}
      />
      <LeaveGuard dirty={edited.length > 0} environment={environment} />
    </div>
  );
}
