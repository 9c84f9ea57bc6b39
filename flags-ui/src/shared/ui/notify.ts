import { notifications } from '@mantine/notifications';

export function notifyFailure(title: string, error: unknown) {
  notifications.show({ color: 'danger.7', title, message: error instanceof Error ? error.message : 'An unknown error.' });
}

export function notifyDone(title: string, message?: string) {
  notifications.show({ color: 'on.7', title, message });
}
