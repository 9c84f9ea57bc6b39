import type { Json, Settings } from '../../api/types';

/** The words beside a switch: what callers get, in short. */
export function servingWords(settings: Settings): string {
  if (settings.kill) return 'Killed';
  if (settings.state !== 'ENABLED') return 'Off';
  return targetingWords(settings.targeting) ?? settings.defaultVariant ?? 'Code default';
}

/** A rule in a word or two; undefined if there is none. */
export function targetingWords(targeting: Json): string | undefined {
  if (isEmptyTargeting(targeting)) return undefined;
  if (isOperator(targeting, 'fractional')) return 'Split';
  const count = ruleCount(targeting);
  return count === 1 ? '1 rule' : `${count} rules`;
}

/** The conditions of an `if` chain; any other rule counts as one. */
export function ruleCount(targeting: Json): number {
  if (isEmptyTargeting(targeting)) return 0;
  if (!isOperator(targeting, 'if')) return 1;
  const operands = (targeting as { if: Json }).if;
  return Array.isArray(operands) ? Math.max(1, Math.floor(operands.length / 2)) : 1;
}

/** No rule is written as null or as an empty object. */
export const isEmptyTargeting = (targeting: Json | undefined) =>
  targeting === null ||
  targeting === undefined ||
  (typeof targeting === 'object' && !Array.isArray(targeting) && Object.keys(targeting).length === 0);

const isOperator = (rule: Json, name: string) =>
  typeof rule === 'object' && rule !== null && !Array.isArray(rule) && Object.keys(rule).join() === name;
