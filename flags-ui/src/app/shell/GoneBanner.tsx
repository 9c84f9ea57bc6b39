import { useLiveStatus } from '../../live/store';

export function GoneBanner() {
  if (useLiveStatus() !== 'gone') return null;
  return (
    <div className="gone-banner" role="alert">
      The server does not answer. What you see may be old; it will catch up by itself.
    </div>
  );
}
