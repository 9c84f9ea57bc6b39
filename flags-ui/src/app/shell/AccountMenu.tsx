import { ActionIcon, Tooltip } from '@mantine/core';
import { IconLogout } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { keys } from '../../api/keys';
import { session } from '../../api/session';
import { signOut } from '../../api/sign-in';

/** Signing out, for those who signed in. */
export function AccountMenu() {
  const who = useSyncExternalStore(session.subscribe, session.current);
  const client = useQueryClient();
  if (!who?.login) return null;
  const logOut = async () => {
    await signOut().catch(() => session.set(null)); // whoever cannot end it may have none any more
    await client.resetQueries({ queryKey: keys.session });
    client.removeQueries({ queryKey: keys.tenants });
    client.removeQueries({ queryKey: ['tenant'] });
  };
  return (
    <Tooltip label="Log out">
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Log out" onClick={() => void logOut()}>
        <IconLogout size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
