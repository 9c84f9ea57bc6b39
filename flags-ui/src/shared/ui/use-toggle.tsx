import { useCallback } from 'react';
import { useChangeSettings } from '../../api/change-settings';
import type { Environment } from '../../api/types';
import { environmentTitle } from '../domain/environments';
import { notifyFailure } from './notify';
import { useConfirm } from './use-confirm';

/** Turns flags on and off; in a protected environment it asks first. Render `dialog` once. */
export function useToggle(tenant: string) {
  const { mutate } = useChangeSettings(tenant);
  const { ask, dialog } = useConfirm();
  const toggle = useCallback(
    (flag: string, environment: Environment, on: boolean) => {
      const run = () =>
        mutate(
          { flag, environment: environment.key, patch: { state: on ? 'ENABLED' : 'DISABLED' } },
          { onError: (error) => notifyFailure(`${flag} stays ${on ? 'off' : 'on'} in ${environment.key}`, error) },
        );
      if (!environment.protected) return run();
      const verb = on ? 'Turn on' : 'Turn off';
      const title = environmentTitle(environment);
      ask({
        title: `${verb} in ${title}?`,
        confirm: `${verb} in ${title}`,
        text: `${flag} changes for everyone in ${title} at once.`,
        danger: !on,
        run,
      });
    },
    [mutate, ask],
  );
  return { toggle, dialog };
}
