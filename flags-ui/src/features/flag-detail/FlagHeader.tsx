import { ActionIcon, Anchor, CopyButton, Group, Menu, Text, Title, Tooltip } from '@mantine/core';
import { IconCheck, IconChevronLeft, IconCopy, IconDots, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Flag } from '../../api/types';
import { titleOf } from '../../shared/domain/environments';
import { typeOfFlag } from '../../shared/domain/variants';
import { DeleteDialog } from './DeleteDialog';

type Props = { tenant: string; flag: Flag };

export function FlagHeader({ tenant, flag }: Props) {
  return (
    <header className="flag-header">
      <Anchor
        size="sm"
        c="dimmed"
        className="back-link"
        renderRoot={(props) => <Link to="/t/$tenant/flags" params={{ tenant }} {...props} />}
      >
        <IconChevronLeft size={14} aria-hidden />
        Flags
      </Anchor>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div className="flag-header-text">
          <Group gap="xs">
            <Title order={1} className="break">
              {titleOf(flag)}
            </Title>
            <span className="tag cap">{typeOfFlag(flag)}</span>
            {flag.tags?.map((tag) => (
              <span key={tag} className="tag">
                {tag}
              </span>
            ))}
          </Group>
          <CopyableKey value={flag.key} />
          {flag.description && (
            <Text size="sm" c="dimmed">
              {flag.description}
            </Text>
          )}
        </div>
        <FlagMenu tenant={tenant} flag={flag} />
      </Group>
    </header>
  );
}

function CopyableKey({ value }: { value: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <code className="key break">{value}</code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : 'Copy key'}>
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Copy key" onClick={copy}>
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}

function FlagMenu({ tenant, flag }: Props) {
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <Menu position="bottom-end" width={180}>
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label="Flag actions">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item className="danger-item" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDeleting(true)}>
            Delete flag
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <DeleteDialog tenant={tenant} flag={flag} opened={deleting} onClose={() => setDeleting(false)} />
    </>
  );
}
