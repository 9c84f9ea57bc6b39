import { useBlocker } from '@tanstack/react-router';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../../shared/domain/environments';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog';

/** Asks before unsaved edits would be lost to a link, a tab of another environment or a reload. */
export function LeaveGuard({ dirty, environment }: { dirty: boolean; environment: Environment }) {
  const blocker = useBlocker({ shouldBlockFn: () => dirty, enableBeforeUnload: dirty, withResolver: true });
  return (
    <ConfirmDialog
      opened={blocker.status === 'blocked'}
      title="Leave without saving?"
      confirm="Leave"
      danger
      onClose={() => blocker.reset?.()}
      onConfirm={() => blocker.proceed?.()}
    >
      {`Your changes in ${environmentTitle(environment)} are not saved yet.`}
    </ConfirmDialog>
  );
}
