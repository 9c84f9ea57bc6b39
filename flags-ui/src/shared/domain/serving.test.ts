import { expect, it } from 'vitest';
import type { Settings } from '../../api/types';
import { servingWords } from './serving';

const settings = (part: Partial<Settings>): Settings => ({ state: 'ENABLED', defaultVariant: 'on', targeting: null, kill: false, ...part });

it.each<[string, Partial<Settings>]>([
  ['on', {}],
  ['on', { targeting: {} }],
  ['Code default', { defaultVariant: null }],
  ['1 rule', { targeting: { if: [true, 'on', 'off'] } }],
  ['1 rule', { targeting: { if: [true, 'on'] } }],
  ['2 rules', { targeting: { if: [true, 'on', false, 'off', 'on'] } }],
  ['1 rule', { targeting: { '==': [1, 1] } }],
  ['Split', { targeting: { fractional: [['on', 1]] } }],
  ['Off', { state: 'DISABLED', targeting: { if: [true, 'on'] } }],
  ['Killed', { kill: true }],
])('says %s', (words, part) => expect(servingWords(settings(part))).toBe(words));
