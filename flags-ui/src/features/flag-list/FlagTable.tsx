import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { usePendingStates } from '../../api/change-settings';
import type { Environment, Flag } from '../../api/types';
import { EnvironmentName } from '../../shared/ui/EnvironmentName';
import { useToggle } from '../../shared/ui/use-toggle';
import { FlagRow } from './FlagRow';
import { withPending } from './pending';

const ROW_PX = 57;
const OVERSCAN_ROWS = 8;
/** Narrower than this, the table scrolls sideways; on a phone one environment fits beside the flag. */
const FLAG_COLUMN_PX = 190;
const ENVIRONMENT_COLUMN_PX = 150;

type Props = { tenant: string; flags: readonly Flag[]; environments: readonly Environment[] };

/** The list as a table of which only the rows in view are in the document. */
export function FlagTable({ tenant, flags, environments }: Props) {
  const scroller = useRef<HTMLElement>(null);
  const pending = usePendingStates(tenant);
  const { toggle, dialog } = useToggle(tenant);
  const virtual = useVirtualizer({
    count: flags.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN_ROWS,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const columns = environments.length + 1;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section ref={scroller} className="table-scroll" tabIndex={0} aria-label="All flags">
      <table
        className="flag-table"
        aria-rowcount={flags.length + 1}
        style={{ minWidth: FLAG_COLUMN_PX + environments.length * ENVIRONMENT_COLUMN_PX }}
      >
        <colgroup>
          <col />
          {environments.map(({ key }) => (
            <col key={key} className="environment-column" />
          ))}
        </colgroup>
        <TableHead environments={environments} />
        <tbody>
          <Spacer height={above} columns={columns} />
          {items.map(({ index }) => {
            const flag = flags[index];
            if (!flag) return null;
            const shown = withPending(flag, environments, pending);
            return (
              <FlagRow
                key={flag.key}
                tenant={tenant}
                index={index}
                flag={shown.flag}
                busy={shown.busy}
                environments={environments}
                onToggle={toggle}
              />
            );
          })}
          <Spacer height={below} columns={columns} />
        </tbody>
      </table>
      {dialog}
    </section>
  );
}

function TableHead({ environments }: { environments: readonly Environment[] }) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col">Flag</th>
        {environments.map((environment) => (
          <th key={environment.key} scope="col">
            <EnvironmentName environment={environment} />
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** Stands for the rows that are not there. */
function Spacer({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td className="spacer" colSpan={columns} style={{ height }} />
    </tr>
  );
}
