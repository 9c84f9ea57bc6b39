import { Button, Text } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { useChangeSettings } from '../../api/change-settings';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { notifyFailure } from '../../shared/ui/notify';
import { useConfirm } from '../../shared/ui/use-confirm';

type Props = { tenant: string; flag: string; environment: Environment; reason: string | null | undefined };

export function KilledNotice({ tenant, flag, environment, reason }: Props) {
  const { mutate, isPending } = useChangeSettings(tenant);
  const { ask, dialog } = useConfirm();
  const title = environmentTitle(environment);
  const run = () =>
    mutate(
      { flag, environment: environment.key, patch: { kill: false } },
      { onError: (error) => notifyFailure(`${flag} stays killed in ${environment.key}`, error) },
    );
  const release = () => {
    if (!environment.protected) return run();
    ask({
      title: `Release in ${title}?`,
      confirm: `Release in ${title}`,
      text: `${flag} goes back to its switch and targeting for everyone in ${title}.`,
      run,
    });
  };
  return (
    <div className="killed" role="alert">
      <IconHandStop size={20} aria-hidden />
      <div className="grow">
        <Text fw={600} size="sm">
          Killed in {title}
        </Text>
        <Text size="sm" className="break">
          {reason || 'No reason was given.'}
        </Text>
      </div>
      <Button variant="default" loading={isPending} onClick={release}>
        Release
      </Button>
      {dialog}
    </div>
  );
}
