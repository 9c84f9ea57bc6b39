import { AppShell, Group } from '@mantine/core';
import { IconFlag3 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Logo } from '../../shared/ui/Logo';
import { AccountMenu } from './AccountMenu';
import { EnvironmentSwitch } from './EnvironmentSwitch';
import { GoneBanner } from './GoneBanner';
import { LiveBadge } from './LiveBadge';
import { SchemeToggle } from './SchemeToggle';
import { TenantSwitch } from './TenantSwitch';

/** The frame around every page of a tenant. */
export function Shell({ tenant, children }: { tenant: string; children: ReactNode }) {
  return (
    <AppShell header={{ height: 54 }} navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: true } }}>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <AppShell.Header className="header">
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Link to="/t/$tenant/flags" params={{ tenant }} className="brand" aria-label="Burgee: all flags">
            <Logo />
            <span className="wide">Burgee</span>
          </Link>
          <TenantSwitch tenant={tenant} />
          <span className="wide">
            <EnvironmentSwitch tenant={tenant} />
          </span>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <LiveBadge />
          <SchemeToggle />
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className="nav" aria-label="Main">
        <Link to="/t/$tenant/flags" params={{ tenant }} className="nav-link" activeOptions={{ includeSearch: false }}>
          <IconFlag3 size={18} aria-hidden />
          Flags
        </Link>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <GoneBanner />
        {children}
      </AppShell.Main>
    </AppShell>
  );
}
