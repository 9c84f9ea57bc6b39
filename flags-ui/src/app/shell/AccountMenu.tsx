import { ActionIcon, Tooltip } from '@mantine/core';
import { IconLogout } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { keys } from '../../api/keys';
import { session } from '../../api/session';

/** Signing out, for those who signed in. */
export function AccountMenu() {
  const token = useSyncExternalStore(session.subscribe, session.token);
  const client = useQueryClient();
  if (token === null) return null;
  const logOut = () => {
    session.set(null);
    void client.resetQueries({ queryKey: keys.tenants }).finally(() => client.removeQueries({ queryKey: ['tenant'] }));
  };
  return (
    <Tooltip label="Log out">
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Log out" onClick={logOut}>
        <IconLogout size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
