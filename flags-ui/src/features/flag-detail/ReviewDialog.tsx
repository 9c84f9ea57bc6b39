import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { targetingWords } from '../../shared/domain/serving';
import { EnvironmentName } from '../../shared/ui/EnvironmentName';
import { DiffView } from './DiffView';
import { type Draft, editedFields, targetingOf, textOf } from './draft';

type Props = {
  draft: Draft;
  environment: Environment;
  opened: boolean;
  busy: boolean;
  onClose: () => void;
  onSave: (note: string) => void;
};

/** The last look before a save: each change as a sentence, the rule as a difference. */
export function ReviewDialog({ draft, environment, opened, busy, onClose, onSave }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Save to ${environmentTitle(environment)}?`} size="lg">
      <Review draft={draft} environment={environment} busy={busy} onClose={onClose} onSave={onSave} />
    </Modal>
  );
}

function Review({ draft, environment, busy, onClose, onSave }: Omit<Props, 'opened'>) {
  const [note, setNote] = useState('');
  const targeting = targetingOf(draft.text) ?? null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave(note.trim());
      }}
    >
      <Stack gap="md">
        {environment.protected && (
          <div className="notice notice-danger">
            <EnvironmentName environment={environment} />
            <span>is protected: this changes what real users get, at once.</span>
          </div>
        )}
        <ul className="changes">
          {changes(draft).map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
        <DiffView before={textOf(draft.base.settings.targeting)} after={textOf(targeting)} />
        <TextInput
          data-autofocus
          label="Note"
          description="Optional; it is kept with the change"
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} aria-label={`Save to ${environment.key}`}>
            Save to {environmentTitle(environment)}
          </Button>
        </Group>
        {editedFields(draft).length === 0 && (
          <Text size="sm" c="dimmed">
            Nothing is left to save: the same change has arrived from elsewhere.
          </Text>
        )}
      </Stack>
    </form>
  );
}

function changes(draft: Draft): string[] {
  const { settings } = draft.base;
  return editedFields(draft).map((field) => {
    if (field === 'defaultVariant') return `Default variant: ${settings.defaultVariant ?? 'none'} → ${draft.defaultVariant ?? 'none'}`;
    const before = targetingWords(settings.targeting) ?? 'no rule';
    const after = targetingWords(targetingOf(draft.text) ?? null) ?? 'no rule';
    return before === after ? `Targeting: edited (${after})` : `Targeting: ${before} → ${after}`;
  });
}
