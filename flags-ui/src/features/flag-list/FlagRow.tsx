import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { Environment, Flag } from '../../api/types';
import { titleOf } from '../../shared/domain/environments';
import { faultsOf, warningsOf } from '../../shared/domain/problems';
import { servingWords } from '../../shared/domain/serving';
import { settingsIn } from '../../shared/domain/settings';
import { ToggleSwitch } from '../../shared/ui/ToggleSwitch';
import { isBusy } from './pending';

type Props = {
  tenant: string;
  index: number;
  flag: Flag;
  busy: string;
  environments: readonly Environment[];
  onToggle: (flag: string, environment: Environment, on: boolean) => void;
};

/** One flag. Plain elements and no component library: scrolling draws many of them. */
export const FlagRow = memo(function FlagRow({ tenant, index, flag, busy, environments, onToggle }: Props) {
  const only = environments.length === 1 ? environments[0]?.key : undefined;
  return (
    <tr className="flag-row" aria-rowindex={index + 2}>
      <td>
        <span className="line">
          <Link
            className="flag-link clip"
            to="/t/$tenant/flags/$flag"
            params={{ tenant, flag: flag.key }}
            search={only ? { env: only } : {}}
          >
            {titleOf(flag)}
          </Link>
          {flag.tags?.map((tag) => (
            <span key={tag} className="tag">
              {tag}
            </span>
          ))}
          <Problems flag={flag} />
        </span>
        <span className="line dim">
          {flag.name ? <span className="mono clip">{flag.key}</span> : <span className="clip">{flag.description}</span>}
        </span>
      </td>
      {environments.map((environment) => (
        <Cell key={environment.key} flag={flag} environment={environment} busy={isBusy(busy, environment.key)} onToggle={onToggle} />
      ))}
    </tr>
  );
});

/** How many problems a flag has; its warnings only where it has none. */
function Problems({ flag }: { flag: Flag }) {
  const faults = faultsOf(flag).length;
  const warnings = warningsOf(flag).length;
  if (faults > 0) {
    return (
      <span className="tag tag-warn">
        <IconAlertTriangle size={12} aria-hidden />
        {faults === 1 ? '1 problem' : `${faults} problems`}
      </span>
    );
  }
  if (warnings === 0) return null;
  return (
    <span className="tag">
      <IconInfoCircle size={12} aria-hidden />
      {warnings === 1 ? '1 warning' : `${warnings} warnings`}
    </span>
  );
}

type CellProps = { flag: Flag; environment: Environment; busy: boolean; onToggle: Props['onToggle'] };

function Cell({ flag, environment, busy, onToggle }: CellProps) {
  const settings = settingsIn(flag, environment.key);
  const tone = settings.kill ? 'killed' : settings.state === 'ENABLED' ? 'on' : 'off';
  return (
    <td>
      <span className="line serving" data-tone={tone}>
        <ToggleSwitch
          flag={flag.key}
          environment={environment.key}
          settings={settings}
          busy={busy}
          onToggle={(on) => onToggle(flag.key, environment, on)}
        />
        <span className="clip">{servingWords(settings)}</span>
      </span>
    </td>
  );
}
