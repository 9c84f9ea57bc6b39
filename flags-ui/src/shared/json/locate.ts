import type { Span } from './scan';

/** The line, from 1, that holds `offset`. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** The span of what a JSON Pointer names, or of the nearest thing around it that is there. */
export function locate(spans: ReadonlyMap<string, Span>, pointer: string): Span | undefined {
  for (let path = pointer; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const span = spans.get(path);
    if (span || path === '') return span;
    if (!path.includes('/')) return spans.get('');
  }
}

/**
 * The part of a server's pointer that lies inside a targeting rule: the server may name the place from the
 * body that was sent (`/targeting/if/0`), from the flag (`/environments/x/targeting/if/0`) or from the rule
 * itself (`/if/0`). Undefined if the pointer names something else.
 */
export function insideTargeting(pointer: string): string | undefined {
  const marker = /^(?:\/flags\/[^/]+)?(?:\/environments\/[^/]+)?\/targeting(?=\/|$)/.exec(pointer);
  if (marker) return pointer.slice(marker[0].length);
  const first = pointer.split('/')[1];
  const isOther = first !== undefined && OTHER_MEMBERS.has(first);
  return isOther ? undefined : pointer;
}

const OTHER_MEMBERS = new Set([
  'flags',
  'environments',
  'state',
  'defaultVariant',
  'kill',
  'reason',
  'note',
  'variants',
  'metadata',
  'key',
  'name',
  'tags',
]);
