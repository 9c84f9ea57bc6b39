import { Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useDeleteFlag } from '../../api/delete-flag';
import type { Flag } from '../../api/types';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog';
import { notifyDone, notifyFailure } from '../../shared/ui/notify';

type Props = { tenant: string; flag: Flag; opened: boolean; onClose: () => void };

export function DeleteDialog({ tenant, flag, opened, onClose }: Props) {
  const { mutate, isPending } = useDeleteFlag(tenant);
  const navigate = useNavigate();
  const onConfirm = () =>
    mutate(flag.key, {
      onSuccess: () => {
        onClose();
        notifyDone('Flag deleted', flag.key);
        void navigate({ to: '/t/$tenant/flags', params: { tenant }, ignoreBlocker: true });
      },
      onError: (error) => notifyFailure(`${flag.key} was not deleted`, error),
    });
  return (
    <ConfirmDialog
      opened={opened}
      title={`Delete ${flag.key}?`}
      confirm="Delete flag"
      danger
      busy={isPending}
      onClose={onClose}
      onConfirm={onConfirm}
    >
      <Stack gap="xs">
        <Text size="sm">It goes from every environment, with its rules. Code that still asks for it gets its own default.</Text>
        <WhereOn flag={flag} />
      </Stack>
    </ConfirmDialog>
  );
}

function WhereOn({ flag }: { flag: Flag }) {
  const on = Object.entries(flag.environments).flatMap(([key, settings]) => (settings.state === 'ENABLED' && !settings.kill ? [key] : []));
  if (on.length === 0) return null;
  return (
    <Text size="sm" fw={600}>
      It is on in {on.join(', ')}.
    </Text>
  );
}
