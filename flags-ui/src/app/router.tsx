import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router';
import { FlagListPage } from '../features/flag-list/FlagListPage';
import { parseFilters } from '../features/flag-list/filters';
import { Home } from './Home';
import { parsePlainSearch, plainSearch } from './plain-search';
import { RouteFailure } from './RouteFailure';
import { TenantLayout } from './TenantLayout';

const root = createRootRoute({ component: Outlet, errorComponent: RouteFailure, notFoundComponent: Home });

const home = createRoute({ getParentRoute: () => root, path: '/', component: Home });

const tenant = createRoute({
  getParentRoute: () => root,
  path: '/t/$tenant',
  validateSearch: (search: Record<string, unknown>): { env?: string } =>
    typeof search.env === 'string' && search.env ? { env: search.env } : {},
  component: TenantLayout,
});

const flags = createRoute({ getParentRoute: () => tenant, path: '/flags', validateSearch: parseFilters, component: FlagListPage });

const flag = createRoute({
  getParentRoute: () => tenant,
  path: '/flags/$flag',
  component: lazyRouteComponent(() => import('../features/flag-detail/FlagDetailPage'), 'FlagDetailPage'),
});

const routeTree = root.addChildren([home, tenant.addChildren([flags, flag])]);

export const createAppRouter = () =>
  createRouter({
    routeTree,
    parseSearch: parsePlainSearch,
    stringifySearch: plainSearch,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
