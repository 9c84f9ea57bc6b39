const FIRST_MS = 500;
const MAX_MS = 10_000;

/** How long to wait before the attempt after `failures` failed ones; `random` in [0, 1) spreads the clients. */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.max(FIRST_MS, ceiling * (0.5 + random / 2));
}
