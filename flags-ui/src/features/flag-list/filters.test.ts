import { describe, expect, it } from 'vitest';
import { aFlag } from '../../testing/fixtures';
import { filterFlags, parseFilters } from './filters';

const ENVIRONMENTS = [{ key: 'development' }, { key: 'production' }];
const FLAGS = [
  aFlag({
    key: 'checkout',
    name: 'New checkout',
    tags: ['shop'],
    environments: { development: { state: 'ENABLED' }, production: { state: 'DISABLED' } },
  }),
  aFlag({ key: 'banner', description: 'A notice above the CHECKOUT page', environments: { development: { kill: true } } }),
  aFlag({ key: 'broken', problems: [{ code: 'invalid_rule', message: 'x' }] }),
  aFlag({ key: 'early', problems: [{ code: 'unknown_segment', message: 'x', severity: 'warning' }] }),
];
const keysOf = (filters: Parameters<typeof filterFlags>[1], environments = ENVIRONMENTS) =>
  filterFlags(FLAGS, filters, environments).map((f) => f.key);

describe('filterFlags', () => {
  it('keeps all without filters', () => expect(keysOf({})).toHaveLength(4));
  it('searches key, name, tag and description in any case', () => {
    expect(keysOf({ q: 'Checkout' })).toEqual(['checkout', 'banner']);
    expect(keysOf({ q: 'shop' })).toEqual(['checkout']);
  });
  it('wants every word', () => expect(keysOf({ q: ' notice   checkout ' })).toEqual(['banner']));
  it('filters by tag', () => expect(keysOf({ tag: 'shop' })).toEqual(['checkout']));
  it('filters by state in the given environments only', () => {
    expect(keysOf({ state: 'on' })).toEqual(['checkout']);
    expect(keysOf({ state: 'on' }, [{ key: 'production' }])).toEqual([]);
    expect(keysOf({ state: 'killed' })).toEqual(['banner']);
    expect(keysOf({ state: 'problem' })).toEqual(['broken']);
    expect(keysOf({ state: 'warning' })).toEqual(['early']);
  });
  it('takes a flag without settings for off', () => expect(keysOf({ state: 'off', q: 'broken' })).toEqual(['broken']));
});

it('reads only what it knows from the URL', () => {
  expect(parseFilters({ q: 'a', tag: '', state: 'nonsense', other: 'x' })).toEqual({ q: 'a' });
});
