import { Button, Group, Text } from '@mantine/core';
import { IconGitMerge } from '@tabler/icons-react';
import type { Dispatch } from 'react';
import type { TaggedSettings } from '../../api/flags';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { DiffView } from './DiffView';
import { type Draft, textOf } from './draft';
import type { DraftAction } from './use-draft';

type Props = { draft: Draft; theirs: TaggedSettings; environment: Environment; dispatch: Dispatch<DraftAction> };

/** Somebody else saved first. Nothing is lost until the user chooses. */
export function ConflictNotice({ draft, theirs, environment, dispatch }: Props) {
  const { defaultVariant, targeting } = theirs.settings;
  const before = draft.base.settings;
  return (
    <section className="conflict card" role="alert" aria-label="Conflict">
      <div className="conflict-head">
        <IconGitMerge size={20} aria-hidden />
        <div>
          <Text fw={600} size="sm">
            Somebody else changed this flag in {environmentTitle(environment)}
          </Text>
          <Text size="sm" c="dimmed">
            Nothing of yours was saved, and nothing is lost. This is what they changed:
          </Text>
        </div>
      </div>
      {defaultVariant !== before.defaultVariant && (
        <Text size="sm">
          Default variant: {before.defaultVariant ?? 'none'} → <b>{defaultVariant ?? 'none'}</b>
        </Text>
      )}
      <DiffView before={textOf(before.targeting)} after={textOf(targeting)} />
      <Group gap="xs" justify="flex-end">
        <Button variant="default" onClick={() => dispatch({ do: 'take theirs' })}>
          Reload theirs
        </Button>
        <Button onClick={() => dispatch({ do: 'keep mine' })}>Keep editing</Button>
      </Group>
    </section>
  );
}
