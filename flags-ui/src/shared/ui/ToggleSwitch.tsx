import type { Settings } from '../../api/types';

type Props = {
  flag: string;
  environment: string;
  settings: Settings;
  /** Sent and not yet answered: the switch shows the wish and takes no other. */
  busy: boolean;
  onToggle: (on: boolean) => void;
};

/** A flag's switch in one environment. Plain markup: a list holds hundreds of them. */
export function ToggleSwitch({ flag, environment, settings, busy, onToggle }: Props) {
  return (
    <input
      type="checkbox"
      // biome-ignore lint/a11y/useAriaPropsForRole: a checkbox tells its own state
      role="switch"
      className="switch"
      checked={settings.state === 'ENABLED'}
      data-killed={settings.kill || undefined}
      aria-busy={busy}
      aria-label={`${flag} in ${environment}`}
      onChange={(event) => {
        if (!busy) onToggle(event.currentTarget.checked);
      }}
    />
  );
}
