const STORAGE_KEY = 'burgee.tenant';

/** The tenant opened last in this browser; storage may be switched off. */
export const lastTenant = {
  get() {
    try {
      return localStorage.getItem(STORAGE_KEY);
    } catch {
      return null;
    }
  },
  set(tenant: string) {
    try {
      localStorage.setItem(STORAGE_KEY, tenant);
    } catch {
      // then the first tenant opens next time
    }
  },
};
