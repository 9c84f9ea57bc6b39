import { Alert, Button, Center, Code, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { hasStatus } from '../../api/error';
import { keys } from '../../api/keys';
import { session } from '../../api/session';
import { signIn } from '../../api/sign-in';
import { Logo } from '../../shared/ui/Logo';

export function LoginPage() {
  const { token, setToken, busy, error, submit } = useSignIn();
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit();
  };
  return (
    <Center component="main" mih="100dvh" p="md">
      <form className="card login" onSubmit={onSubmit}>
        <Stack gap="md">
          <Stack gap={6} align="center">
            <Logo size={44} />
            <Title order={1}>Sign in to Burgee</Title>
            <Text size="sm" c="dimmed" ta="center">
              Use the admin token of this node, or one that an administrator made for you.
            </Text>
          </Stack>
          {error && (
            <Alert color="danger" variant="default" className="alert-danger" role="alert">
              {error}
            </Alert>
          )}
          <PasswordInput
            label="Token"
            data-autofocus
            autoFocus
            autoComplete="current-password"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            error={Boolean(error)}
          />
          <Button type="submit" size="md" fullWidth loading={busy}>
            Sign in
          </Button>
          <Text size="xs" c="dimmed" ta="center">
            The first start of a server prints its token once, or set it with <Code>--admin-token</Code>. The browser does not keep it.
          </Text>
        </Stack>
      </form>
    </Center>
  );
}

function useSignIn() {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(() => (session.current() === null ? undefined : 'Your session has ended. Please sign in again.'));

  const submit = async () => {
    if (token.trim() === '') return setError('Type or paste a token first.');
    setBusy(true);
    setError(undefined);
    try {
      client.setQueryData(keys.session, await signIn(token.trim()));
      await client.invalidateQueries({ queryKey: keys.tenants });
    } catch (failure) {
      setError(hasStatus(failure, 401) ? 'This token was not accepted. Check it and try again.' : messageOf(failure));
    }
    setBusy(false);
  };
  return { token, setToken, busy, error, submit };
}

const messageOf = (failure: unknown) => (failure instanceof Error ? failure.message : 'An unknown error.');
