import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Outlet } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { environmentsQuery } from '../api/tenants';
import { useLiveStatus } from '../live/store';
import { useLive } from '../live/use-live';
import { Failure } from '../shared/ui/Failure';
import { PageSkeleton } from '../shared/ui/PageSkeleton';
import { lastTenant } from './last-tenant';
import { Shell } from './shell/Shell';

const route = getRouteApi('/t/$tenant');

export function TenantLayout() {
  const { tenant } = route.useParams();
  useEffect(() => lastTenant.set(tenant), [tenant]);
  return (
    <Shell tenant={tenant}>
      <LiveTenant key={tenant} tenant={tenant} />
    </Shell>
  );
}

function LiveTenant({ tenant }: { tenant: string }) {
  useLive(tenant);
  const settled = useSettled();
  const environments = useQuery({ ...environmentsQuery(tenant), enabled: settled });
  if (environments.data) return <Outlet />;
  if (environments.error)
    return <Failure error={environments.error} what={`tenant “${tenant}”`} onRetry={() => void environments.refetch()} />;
  return <PageSkeleton />;
}

/** Longer than a stream takes to open, shorter than anybody notices. */
const MAX_WAIT_MS = 400;

/**
 * Whether the event stream has opened, failed or taken too long. What is read after it opened misses no
 * change; what is read before has to be read again.
 */
function useSettled() {
  const status = useLiveStatus();
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    if (status !== 'connecting') return setSettled(true);
    const timer = setTimeout(() => setSettled(true), MAX_WAIT_MS);
    return () => clearTimeout(timer);
  }, [status]);
  return settled;
}
