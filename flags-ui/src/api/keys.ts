/** Query keys. Everything that a tenant's stream keeps fresh begins with `tenant(t)`. */
export const keys = {
  session: ['session'] as const,
  tenants: ['tenants'] as const,
  tenant: (tenant: string) => ['tenant', tenant] as const,
  environments: (tenant: string) => ['tenant', tenant, 'environments'] as const,
  flags: (tenant: string) => ['tenant', tenant, 'flags'] as const,
  flag: (tenant: string, flag: string) => ['tenant', tenant, 'flag', flag] as const,
  settings: (tenant: string, flag: string, environment: string) => ['tenant', tenant, 'flag', flag, 'settings', environment] as const,
};
