import { Button, Text } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { useState } from 'react';
import { switchId, usePendingStates } from '../../api/change-settings';
import type { Environment, Settings } from '../../api/types';
import { isEmptyTargeting } from '../../shared/domain/serving';
import { ToggleSwitch } from '../../shared/ui/ToggleSwitch';
import { useToggle } from '../../shared/ui/use-toggle';
import { KillDialog } from './KillDialog';
import { KilledNotice } from './KilledNotice';

type Props = { tenant: string; flag: string; environment: Environment; settings: Settings };

/** The switch and the kill, both of which act at once. */
export function StateCard({ tenant, flag, environment, settings }: Props) {
  const [killing, setKilling] = useState(false);
  const pending = usePendingStates(tenant).get(switchId(flag, environment.key));
  const { toggle, dialog } = useToggle(tenant);
  const shown = pending ? { ...settings, state: pending } : settings;
  return (
    <section className="card" aria-label="State">
      {settings.kill && <KilledNotice tenant={tenant} flag={flag} environment={environment} reason={settings.reason} />}
      <div className="state-row">
        <ToggleSwitch
          flag={flag}
          environment={environment.key}
          settings={shown}
          busy={pending !== undefined}
          onToggle={(on) => toggle(flag, environment, on)}
        />
        <div className="grow">
          <Text fw={600} size="sm">
            {shown.state === 'ENABLED' ? 'On' : 'Off'}
          </Text>
          <Text size="sm" c="dimmed">
            {stateHint(shown)}
          </Text>
        </div>
        {!settings.kill && (
          <Button
            variant="default"
            className="danger-button"
            leftSection={<IconHandStop size={16} aria-hidden />}
            onClick={() => setKilling(true)}
          >
            Kill
          </Button>
        )}
      </div>
      <KillDialog tenant={tenant} flag={flag} environment={environment} opened={killing} onClose={() => setKilling(false)} />
      {dialog}
    </section>
  );
}

function stateHint({ kill, state, targeting, defaultVariant }: Settings) {
  if (kill) return 'The kill overrides the switch until it is released.';
  if (state !== 'ENABLED') return 'Callers get the default in their code.';
  if (!isEmptyTargeting(targeting)) return 'The targeting decides; where it gives nothing, the default variant is served.';
  return defaultVariant === null ? 'No default variant: callers get the default in their code.' : `Everyone gets ${defaultVariant}.`;
}
