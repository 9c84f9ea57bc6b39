import type { Flag, Settings } from '../../api/types';

/** A flag that nobody touched in an environment is off there. */
const UNTOUCHED: Settings = { state: 'DISABLED', defaultVariant: null, targeting: null, kill: false };

export const settingsIn = (flag: Flag, environment: string): Settings => flag.environments[environment] ?? UNTOUCHED;
