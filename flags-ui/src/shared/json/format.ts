import type { Json } from '../../api/types';

const WIDTH = 76;

/** JSON with two spaces of indentation, where all that fits a line stands on one: rules read best so. */
export function formatJson(value: Json, indent = ''): string {
  const flat = flatJson(value);
  if (indent.length + flat.length <= WIDTH || typeof value !== 'object' || value === null) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return flat;
    return `[\n${value.map((item) => deeper + formatJson(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value);
  if (members.length === 0) return flat;
  return `{\n${members.map(([name, item]) => `${deeper}${JSON.stringify(name)}: ${formatJson(item, deeper)}`).join(',\n')}\n${indent}}`;
}

/** JSON on one line, with a space after each comma and colon. */
export function flatJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flatJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${flatJson(item)}`);
  return `{${members.join(', ')}}`;
}
