import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../api/error';
import { emptyForm, type Form, placeErrors, readForm, variantsFor } from './form';

const form = (parts: Partial<Form>): Form => ({ ...emptyForm(), key: 'a', ...parts });
const variants = (...pairs: [string, string][]) => pairs.map(([name, value], id) => ({ id, name, value }));

describe('readForm', () => {
  it('leaves out what was not filled in', () => {
    expect(readForm(form({ key: ' a/b ' }))).toEqual({ flag: { key: 'a/b', variants: { on: true, off: false } } });
  });

  it('reads values by type', () => {
    expect(readForm(form({ type: 'number', variants: variants(['x', ' 1.5 ']) }))).toMatchObject({ flag: { variants: { x: 1.5 } } });
    expect(readForm(form({ type: 'string', variants: variants(['x', ' 1 ']) }))).toMatchObject({ flag: { variants: { x: ' 1 ' } } });
    expect(readForm(form({ type: 'object', variants: variants(['x', '{"a":[]}']) }))).toMatchObject({
      flag: { variants: { x: { a: [] } } },
    });
  });

  it('names each fault at its field', () => {
    const faulty = variants(['', 'true'], ['x', 'true'], ['x', 'false'], ['y', 'tru']);
    expect(readForm(form({ key: ' ', variants: faulty }))).toEqual({
      errors: {
        key: 'A flag needs a key',
        'variant 0': 'A variant needs a name',
        'variant 2': 'Another variant has this name',
        'variant 3': 'Not JSON',
      },
    });
    expect(readForm(form({ type: 'number', variants: variants(['x', 'true']) }))).toEqual({ errors: { 'variant 0': 'Not a number' } });
    expect(readForm(form({ variants: [] }))).toEqual({ errors: { variants: 'A flag needs a variant' } });
  });

  it.each(['boolean', 'string', 'number', 'object'] as const)('accepts what it proposes for %s', (type) => {
    expect(readForm(form({ type, variants: variantsFor(type) }))).toHaveProperty('flag');
  });
});

describe('placeErrors', () => {
  const refuse = (errors: { path: string; message: string }[]) =>
    new ApiError(
      422,
      'invalid_value',
      'Refused.',
      errors.map((e) => ({ code: 'x', ...e })),
    );

  it('puts errors at the fields', () => {
    const wanted = form({ variants: variants(['on', 'true'], ['a/b', 'false']) });
    const error = refuse([
      { path: '/key', message: 'Too long.' },
      { path: '/variants/a~1b', message: 'Mixed types.' },
      { path: '/metadata', message: 'Odd.' },
    ]);
    expect(placeErrors(error, wanted)).toEqual({ key: 'Too long.', 'variant 1': 'Mixed types.', form: 'Odd.' });
  });

  it('says something even if the server names no field', () => {
    expect(placeErrors(refuse([]), form({}))).toEqual({ form: 'Refused.' });
    expect(placeErrors(new ApiError(409, 'already_exists', 'x'), form({}))).toEqual({ key: 'Another flag has this key' });
  });
});
