import { Center, Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { hasStatus, isUnreachable } from '../api/error';
import { sessionQuery } from '../api/sign-in';
import { tenantsQuery } from '../api/tenants';
import { LoginPage } from '../features/login/LoginPage';
import { Failure } from '../shared/ui/Failure';

const RETRY_MS = 2000;

/** Lets the application in once the server answers this tab; asks for a login if the server does. */
export function SessionGate({ children }: { children: ReactNode }) {
  const who = useQuery({
    ...sessionQuery,
    refetchInterval: (query) => (isUnreachable(query.state.error) ? RETRY_MS : false),
  });
  const tenants = useQuery({
    ...tenantsQuery,
    enabled: who.data !== undefined,
    refetchInterval: (query) => (isUnreachable(query.state.error) ? RETRY_MS : false),
  });
  if (hasStatus(who.error, 401) || hasStatus(tenants.error, 401)) return <LoginPage />;
  if (who.data && tenants.data) return children;
  const failed = who.error ? who : tenants;
  if (failed.error) {
    return (
      <main>
        <Failure error={failed.error} what="the list of tenants" onRetry={() => void failed.refetch()} />
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
