import { Center, Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { hasStatus, isUnreachable } from '../api/error';
import { tenantsQuery } from '../api/tenants';
import { LoginPage } from '../features/login/LoginPage';
import { Failure } from '../shared/ui/Failure';

const RETRY_MS = 2000;

/** Lets the application in once the server answers this tab; asks for a token if the server does. */
export function SessionGate({ children }: { children: ReactNode }) {
  const tenants = useQuery({
    ...tenantsQuery,
    refetchInterval: (query) => (isUnreachable(query.state.error) ? RETRY_MS : false),
  });
  if (hasStatus(tenants.error, 401)) return <LoginPage />;
  if (tenants.data) return children;
  if (tenants.error) {
    return (
      <main>
        <Failure error={tenants.error} what="the list of tenants" onRetry={() => void tenants.refetch()} />
      </main>
    );
  }
  return (
    <Center component="main" h="100dvh">
      <h1 className="sr-only">Loading</h1>
      <Loader />
    </Center>
  );
}
