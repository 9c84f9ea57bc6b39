import { Center, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

type Props = { icon: ReactNode; title: string; children?: ReactNode; action?: ReactNode; level?: 1 | 2 };

/** What stands where content would be: nothing yet, nothing found, nothing reachable. */
export function Placeholder({ icon, title, children, action, level = 2 }: Props) {
  return (
    <Center mih={280} p="lg" className="placeholder">
      <Stack align="center" gap="xs" maw={400}>
        <span className="placeholder-icon" aria-hidden>
          {icon}
        </span>
        <Title order={level} size="h2">
          {title}
        </Title>
        {children && (
          <Text size="sm" c="dimmed" ta="center" component="div">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}
