import { Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useChangeSettings } from '../../api/change-settings';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog';
import { notifyFailure } from '../../shared/ui/notify';

type Props = { tenant: string; flag: string; environment: Environment; opened: boolean; onClose: () => void };

export function KillDialog({ tenant, flag, environment, opened, onClose }: Props) {
  const { mutate, isPending } = useChangeSettings(tenant);
  const [reason, setReason] = useState('');
  const title = environmentTitle(environment);
  const kill = () =>
    mutate(
      { flag, environment: environment.key, patch: { kill: true, ...(reason.trim() ? { reason: reason.trim() } : {}) } },
      {
        onSuccess: () => {
          setReason('');
          onClose();
        },
        onError: (error) => notifyFailure(`${flag} was not killed in ${environment.key}`, error),
      },
    );
  return (
    <ConfirmDialog
      opened={opened}
      title={`Kill ${flag} in ${title}?`}
      confirm={`Kill in ${title}`}
      danger
      busy={isPending}
      onClose={onClose}
      onConfirm={kill}
    >
      <Stack gap="sm">
        <Text size="sm">
          It turns off for everyone at once and stays off, whatever the switch says or anyone imports, until somebody releases it.
        </Text>
        <TextInput
          data-autofocus
          label="Reason"
          placeholder="What went wrong?"
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') kill();
          }}
        />
      </Stack>
    </ConfirmDialog>
  );
}
