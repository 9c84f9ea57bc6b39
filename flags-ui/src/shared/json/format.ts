import type { Json } from '../../api/types';

const WIDTH = 76;

/**
 * JSON with two spaces of indentation, where what fits a line stands on one: conditions read best so. The
 * steps of an `if` chain always get lines of their own.
 */
export function formatJson(value: Json, indent = '', isChain = false): string {
  const flat = flatJson(value);
  if (typeof value !== 'object' || value === null || (indent.length + flat.length <= WIDTH && !isChain && !holdsChain(value))) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return flat;
    return `[\n${value.map((item) => deeper + formatJson(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value);
  if (members.length === 0) return flat;
  return `{\n${members.map(([name, item]) => `${deeper}${JSON.stringify(name)}: ${formatJson(item, deeper, name === 'if')}`).join(',\n')}\n${indent}}`;
}

/** JSON on one line, with a space after each comma and colon. */
export function flatJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flatJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${flatJson(item)}`);
  return `{${members.join(', ')}}`;
}

function holdsChain(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsChain);
  return Array.isArray(value.if) || Object.values(value).some(holdsChain);
}
