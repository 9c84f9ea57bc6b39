/** A burgee on its staff: a swallow-tailed pennant. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden focusable="false">
      <path d="M6 3.2v26" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
      <path d="M7.4 5.2 28.6 9l-6.4 4.9 6.4 4.9L7.4 22.6Z" fill="var(--app-logo)" />
      <path d="M7.4 11.6 24.9 11.8 22.2 13.9l2.7 2.1-17.5.2Z" fill="var(--app-logo-band)" />
    </svg>
  );
}
