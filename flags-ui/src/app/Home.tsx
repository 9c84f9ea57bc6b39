import { Code } from '@mantine/core';
import { IconBuilding } from '@tabler/icons-react';
import { useSuspenseQuery } from '@tanstack/react-query';
import { Navigate } from '@tanstack/react-router';
import { tenantsQuery } from '../api/tenants';
import { Placeholder } from '../shared/ui/Placeholder';
import { lastTenant } from './last-tenant';

/** Opens the tenant that was open last, or the first. The session gate has loaded the list. */
export function Home() {
  const { data: tenants } = useSuspenseQuery(tenantsQuery);
  const tenant = tenants.find((t) => t.key === lastTenant.get()) ?? tenants[0];
  if (tenant) return <Navigate to="/t/$tenant/flags" params={{ tenant: tenant.key }} replace />;
  return (
    <main>
      <Placeholder level={1} icon={<IconBuilding />} title="No tenants yet">
        A tenant holds the flags of one product. Start the server with <Code>--import TENANT/ENVIRONMENT=FILE</Code>, or create one over the
        API.
      </Placeholder>
    </main>
  );
}
