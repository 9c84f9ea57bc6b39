import type { Flag, Json } from '../../api/types';

export type FlagType = 'boolean' | 'string' | 'number' | 'object';

export function typeOfValue(value: Json | undefined): FlagType {
  const type = typeof value;
  return type === 'boolean' || type === 'string' || type === 'number' ? type : 'object';
}

/** All variants of a flag have one type; the first tells it. */
export const typeOfFlag = (flag: Pick<Flag, 'variants'>) => typeOfValue(Object.values(flag.variants)[0]);
