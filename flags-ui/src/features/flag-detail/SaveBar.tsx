import { Button, Group, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';

type Props = { count: number; environment: Environment; busy: boolean; onDiscard: () => void; onReview: () => void };

export function SaveBar({ count, environment, busy, onDiscard, onReview }: Props) {
  useHotkeys([['mod+S', onReview]], []);
  return (
    <section className="save-bar card" aria-label="Unsaved changes">
      <Text size="sm" role="status">
        <b>{count}</b> unsaved {count === 1 ? 'change' : 'changes'} in <b>{environmentTitle(environment)}</b>
      </Text>
      <Group gap="xs" wrap="nowrap">
        <Button variant="default" disabled={busy} onClick={onDiscard}>
          Discard
        </Button>
        <Button loading={busy} onClick={onReview} aria-keyshortcuts="Control+S">
          Review and save
        </Button>
      </Group>
    </section>
  );
}
