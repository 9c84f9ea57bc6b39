import { Tooltip } from '@mantine/core';
import { useLiveStatus } from '../../live/store';
import type { LiveStatus } from '../../live/watch';

const WORDS: Record<LiveStatus, { label: string; hint: string }> = {
  connecting: { label: 'Connecting', hint: 'Opening the stream of changes' },
  live: { label: 'Live', hint: 'Changes appear as they happen' },
  reconnecting: { label: 'Reconnecting', hint: 'The stream of changes broke off and is being resumed' },
  gone: { label: 'Server gone', hint: 'The server does not answer; trying again' },
  refused: { label: 'Not live', hint: 'The server refuses the stream of changes; reload to see new ones' },
};

export function LiveBadge() {
  const status = useLiveStatus();
  const { label, hint } = WORDS[status];
  return (
    <Tooltip label={hint}>
      <span className="live-badge" data-status={status} role="status">
        <span className="dot" aria-hidden />
        <span className="live-label">{label}</span>
      </span>
    </Tooltip>
  );
}
