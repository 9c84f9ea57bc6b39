/** The token of this browser tab. Servers that ask for none, like `burgee dev`, never see one. */

const STORAGE_KEY = 'burgee.token';

let token: string | null = read();
const listeners = new Set<() => void>();

function read() {
  try {
    return sessionStorage.getItem(STORAGE_KEY);
  } catch {
    return null; // storage is switched off: the token then lives as long as the page
  }
}

export const session = {
  token: () => token,

  set(next: string | null) {
    token = next;
    try {
      if (next === null) sessionStorage.removeItem(STORAGE_KEY);
      else sessionStorage.setItem(STORAGE_KEY, next);
    } catch {
      // see read()
    }
    for (const listener of listeners) listener();
  },

  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};
