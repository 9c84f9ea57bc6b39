import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import type { Environment, Flag } from '../../api/types';
import { isProductionLike } from '../../shared/domain/environments';
import { servingWords } from '../../shared/domain/serving';
import { settingsIn } from '../../shared/domain/settings';
import { EnvironmentName } from '../../shared/ui/EnvironmentName';

const route = getRouteApi('/t/$tenant/flags/$flag');

type Props = { flag: Flag; environments: readonly Environment[]; current: Environment; children: ReactNode };

/** The environments with what each serves; the chosen one is in the URL. */
export function EnvironmentTabs({ flag, environments, current, children }: Props) {
  const navigate = route.useNavigate();
  const list = useRef<HTMLDivElement>(null);
  // on a phone the chosen tab may lie outside of what the row shows
  useEffect(() => {
    list.current?.querySelector(`[data-environment="${CSS.escape(current.key)}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current.key]);
  return (
    <Tabs
      value={current.key}
      onChange={(env) => env && void navigate({ search: { env } })}
      keepMounted={false}
      className="environment-tabs"
      data-production={isProductionLike(current) || undefined}
    >
      <Tabs.List ref={list} aria-label="Environments">
        {environments.map((environment) => (
          <EnvironmentTab key={environment.key} flag={flag} environment={environment} />
        ))}
      </Tabs.List>
      <Tabs.Panel value={current.key}>{children}</Tabs.Panel>
    </Tabs>
  );
}

function EnvironmentTab({ flag, environment }: { flag: Flag; environment: Environment }) {
  const settings = settingsIn(flag, environment.key);
  const tone = settings.kill ? 'killed' : settings.state === 'ENABLED' ? 'on' : 'off';
  return (
    <Tabs.Tab value={environment.key} data-environment={environment.key}>
      <span className="line tab-label" data-tone={tone}>
        <EnvironmentName environment={environment} />
        <span className="dot" aria-hidden />
        <span className="tab-words">{servingWords(settings)}</span>
      </span>
    </Tabs.Tab>
  );
}
