import { Button, Group, Text, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense, useDeferredValue, useState } from 'react';
import { flagsQuery } from '../../api/flags';
import { environmentsQuery } from '../../api/tenants';
import type { Environment, Flag } from '../../api/types';
import { inDeliveryOrder } from '../../shared/domain/environments';
import { Failure } from '../../shared/ui/Failure';
import { PageSkeleton } from '../../shared/ui/PageSkeleton';
import { FlagTable } from './FlagTable';
import { filterFlags, isFiltered, tagsOf } from './filters';
import { NoFlags, NoMatch } from './NoRows';
import { Toolbar } from './Toolbar';
import { useFilters } from './use-filters';
import { useNarrow } from './use-narrow';
import './flag-list.css';

const NewFlagDialog = lazy(() => import('./new-flag/NewFlagDialog'));

const route = getRouteApi('/t/$tenant/flags');

export function FlagListPage() {
  const { tenant } = route.useParams();
  const flags = useQuery(flagsQuery(tenant));
  const environments = useQuery(environmentsQuery(tenant));
  if (flags.data && environments.data)
    return <FlagList tenant={tenant} flags={flags.data} environments={inDeliveryOrder(environments.data)} />;
  const failed = flags.error ? flags : environments;
  if (failed.error) return <Failure error={failed.error} what={`tenant “${tenant}”`} onRetry={() => void failed.refetch()} />;
  return <PageSkeleton />;
}

type Props = { tenant: string; flags: readonly Flag[]; environments: readonly Environment[] };

function FlagList({ tenant, flags, environments }: Props) {
  const [creating, setCreating] = useState(false);
  const { filters, setFilters, clear } = useFilters();
  const columns = useColumns(environments);
  const deferred = useDeferredValue(filters);
  const rows = filterFlags(flags, deferred, columns);
  const create = () => setCreating(true);
  return (
    <div className="list-page">
      <Group justify="space-between" wrap="nowrap">
        <Group gap="xs" align="baseline">
          <Title order={1}>Flags</Title>
          <Text c="dimmed" size="sm" role="status">
            {isFiltered(filters)
              ? `${rows.length.toLocaleString('en')} of ${flags.length.toLocaleString('en')}`
              : flags.length.toLocaleString('en')}
          </Text>
        </Group>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={create}>
          New flag
        </Button>
      </Group>
      {flags.length > 0 && (
        <Toolbar filters={filters} tags={tagsOf(flags)} environments={environments} onChange={setFilters} onClear={clear} />
      )}
      <div className="card list-card">
        {flags.length === 0 ? (
          <NoFlags onCreate={create} />
        ) : rows.length === 0 ? (
          <NoMatch onClear={clear} />
        ) : (
          <FlagTable tenant={tenant} flags={rows} environments={columns} />
        )}
      </div>
      <Suspense>{creating && <NewFlagDialog tenant={tenant} onClose={() => setCreating(false)} />}</Suspense>
    </div>
  );
}

/** All environments side by side, the chosen one alone, and never more than one on a phone. */
function useColumns(environments: readonly Environment[]) {
  const { env } = route.useSearch();
  const narrow = useNarrow();
  const chosen = environments.filter((environment) => environment.key === env);
  if (chosen.length) return chosen;
  return narrow ? environments.slice(0, 1) : environments;
}
