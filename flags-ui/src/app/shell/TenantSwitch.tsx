import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { tenantsQuery } from '../../api/tenants';
import { titleOf } from '../../shared/domain/environments';

export function TenantSwitch({ tenant }: { tenant: string }) {
  const { data: tenants = [] } = useQuery(tenantsQuery);
  const navigate = useNavigate();
  const data = tenants.map((t) => ({ value: t.key, label: titleOf(t) }));
  return (
    <Select
      aria-label="Tenant"
      className="tenant-switch"
      data={data}
      value={tenant}
      searchable={data.length > 8}
      onChange={(next) => next && next !== tenant && void navigate({ to: '/t/$tenant/flags', params: { tenant: next } })}
    />
  );
}
