import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { flagQuery } from '../../api/flags';
import { environmentsQuery } from '../../api/tenants';
import { inDeliveryOrder } from '../../shared/domain/environments';
import { Failure } from '../../shared/ui/Failure';
import { PageSkeleton } from '../../shared/ui/PageSkeleton';
import { EnvironmentPanel } from './EnvironmentPanel';
import { EnvironmentTabs } from './EnvironmentTabs';
import { FlagHeader } from './FlagHeader';
import { ProblemList } from './ProblemList';
import './flag-detail.css';

const route = getRouteApi('/t/$tenant/flags/$flag');

export function FlagDetailPage() {
  const { tenant, flag: key } = route.useParams();
  const { env } = route.useSearch();
  const flag = useQuery(flagQuery(tenant, key));
  const environments = inDeliveryOrder(useQuery(environmentsQuery(tenant)).data ?? []);
  const environment = environments.find((e) => e.key === env) ?? environments[0];
  if (flag.error) return <Failure error={flag.error} what={`flag “${key}”`} onRetry={() => void flag.refetch()} />;
  if (!flag.data) return <PageSkeleton />;
  return (
    <div className="detail-page">
      <FlagHeader tenant={tenant} flag={flag.data} />
      <ProblemList flag={flag.data} />
      {environment && (
        <EnvironmentTabs flag={flag.data} environments={environments} current={environment}>
          <EnvironmentPanel key={`${key}\n${environment.key}`} tenant={tenant} flag={flag.data} environment={environment} />
        </EnvironmentTabs>
      )}
    </div>
  );
}
