import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { environmentsQuery } from '../../api/tenants';
import { environmentTitle, inDeliveryOrder, isProductionLike } from '../../shared/domain/environments';

const ALL = '';

/** One environment for the list and the detail alike; the list can also show all side by side. */
export function EnvironmentSwitch({ tenant }: { tenant: string }) {
  // the layout loads them, after the event stream has opened
  const { data = [] } = useQuery({ ...environmentsQuery(tenant), enabled: false });
  const { env } = useSearch({ strict: false });
  const { flag } = useParams({ strict: false });
  const navigate = useNavigate();
  const environments = inDeliveryOrder(data);
  const options = environments.map((e) => ({ value: e.key, label: environmentTitle(e) }));
  const shown = environments.find((e) => e.key === env) ?? (flag === undefined ? undefined : environments[0]);
  return (
    <Select
      aria-label="Environment"
      className="environment-switch"
      data-production={(shown && isProductionLike(shown)) || undefined}
      data={flag === undefined ? [{ value: ALL, label: 'All environments' }, ...options] : options}
      value={shown?.key ?? ALL}
      onChange={(next) => void navigate({ to: '.', search: ({ env: _, ...rest }) => (next ? { ...rest, env: next } : rest) })}
    />
  );
}
