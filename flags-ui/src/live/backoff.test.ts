import { expect, it } from 'vitest';
import { backoffMs } from './backoff';

it('grows from half a second to ten and stays there', () => {
  expect(backoffMs(0, 0)).toBe(500);
  expect(backoffMs(3, 1)).toBe(4000);
  expect(backoffMs(50, 1)).toBe(10_000);
});

it('spreads clients between half of the time and all of it', () => {
  expect(backoffMs(4, 0)).toBe(4000);
  expect(backoffMs(4, 1)).toBe(8000);
});
