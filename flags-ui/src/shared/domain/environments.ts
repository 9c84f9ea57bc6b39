import type { Environment } from '../../api/types';

const PRODUCTION_KEYS = new Set(['production', 'prod']);

/** Whether an environment should look dangerous. Only `protected` makes changes ask for confirmation. */
export const isProductionLike = (environment: Environment) =>
  Boolean(environment.protected) || PRODUCTION_KEYS.has(environment.key.toLowerCase());

/** The server's order with production last, which is how changes travel. */
export const inDeliveryOrder = (environments: readonly Environment[]) =>
  [...environments].sort((a, b) => Number(isProductionLike(a)) - Number(isProductionLike(b)));

export const titleOf = (thing: { key: string; name?: string | null }) => thing.name || thing.key;

/** A title for an environment: its name, or its key with a capital. */
export const environmentTitle = ({ key, name }: Environment) => name || key.charAt(0).toUpperCase() + key.slice(1);
