import { Button } from '@mantine/core';
import { IconLock, IconPlugConnectedX, IconZoomQuestion } from '@tabler/icons-react';
import { hasStatus, isUnreachable } from '../../api/error';
import { Placeholder } from './Placeholder';

type Props = { error: unknown; what: string; onRetry: () => void };

/** A failed read, told apart by what the reader can do about it. */
export function Failure({ error, what, onRetry }: Props) {
  const retry = (
    <Button variant="default" mt="xs" onClick={onRetry}>
      Try again
    </Button>
  );
  if (isUnreachable(error)) {
    return (
      <Placeholder level={1} icon={<IconPlugConnectedX />} title="The server does not answer" action={retry}>
        It may be restarting. This page goes on by itself once it is back.
      </Placeholder>
    );
  }
  if (hasStatus(error, 403)) {
    return (
      <Placeholder level={1} icon={<IconLock />} title="Not permitted">
        Your token does not open {what}. Ask for one that does, or sign in with another.
      </Placeholder>
    );
  }
  if (hasStatus(error, 404)) {
    return (
      <Placeholder level={1} icon={<IconZoomQuestion />} title="Not found">
        There is no such {what}. It may have been deleted.
      </Placeholder>
    );
  }
  return (
    <Placeholder level={1} icon={<IconPlugConnectedX />} title="That did not work" action={retry}>
      {error instanceof Error ? error.message : 'An unknown error.'}
    </Placeholder>
  );
}
