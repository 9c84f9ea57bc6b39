import { IconLock } from '@tabler/icons-react';
import type { Environment } from '../../api/types';
import { environmentTitle, isProductionLike } from '../domain/environments';

/** An environment's title; production is red and has a lock. */
export function EnvironmentName({ environment }: { environment: Environment }) {
  const production = isProductionLike(environment);
  return (
    <span className="environment-name" data-production={production || undefined}>
      {production && <IconLock size={14} aria-hidden />}
      <span className="clip">{environmentTitle(environment)}</span>
    </span>
  );
}
