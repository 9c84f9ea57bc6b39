/** Who is logged in, as the server tells it. What stands for the token is a cookie that no script can read. */
export type Session = {
  kind: string;
  /** Absent where the token is bound to none. */
  tenant?: string;
  /** Whether the server asks for a login at all; `burgee dev` does not. */
  login: boolean;
  /** What every write shows, so that no other site can write by the cookie alone. */
  csrfToken?: string;
};

let current: Session | null = null;
const listeners = new Set<() => void>();

export const session = {
  current: () => current,

  set(next: Session | null) {
    current = next;
    for (const listener of listeners) listener();
  },

  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};
