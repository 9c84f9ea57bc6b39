import type { ApiError } from '../../../api/error';
import type { Json, NewFlag } from '../../../api/types';
import type { FlagType } from '../../../shared/domain/variants';
import { scan } from '../../../shared/json/scan';

/** A variant as it is typed. */
export type VariantRow = { id: number; name: string; value: string };

export type Form = { key: string; name: string; description: string; tags: string[]; type: FlagType; variants: VariantRow[] };

/** Messages by field: a member's name, or `variant N` for the row at N. */
export type FormErrors = Record<string, string>;

const STARTS: Record<FlagType, [string, string][]> = {
  boolean: [
    ['on', 'true'],
    ['off', 'false'],
  ],
  string: [
    ['control', ''],
    ['treatment', ''],
  ],
  number: [
    ['low', '1'],
    ['high', '10'],
  ],
  object: [
    ['default', '{}'],
    ['custom', '{}'],
  ],
};

export const variantsFor = (type: FlagType): VariantRow[] => STARTS[type].map(([name, value], id) => ({ id, name, value }));

export const emptyForm = (): Form => ({ key: '', name: '', description: '', tags: [], type: 'boolean', variants: variantsFor('boolean') });

export const rowField = (at: number) => `variant ${at}`;

/** The flag that the form describes, or what is wrong with it. The server has the last word. */
export function readForm(form: Form): { flag: NewFlag } | { errors: FormErrors } {
  const errors: FormErrors = {};
  if (form.key.trim() === '') errors.key = 'A flag needs a key';
  const variants = new Map<string, Json>();
  form.variants.forEach(({ name, value }, at) => {
    const read = readValue(form.type, value);
    if (name.trim() === '') errors[rowField(at)] = 'A variant needs a name';
    else if (variants.has(name.trim())) errors[rowField(at)] = 'Another variant has this name';
    else if (read === undefined) errors[rowField(at)] = form.type === 'number' ? 'Not a number' : 'Not JSON';
    else variants.set(name.trim(), read);
  });
  if (form.variants.length === 0) errors.variants = 'A flag needs a variant';
  if (Object.keys(errors).length > 0) return { errors };
  const flag: NewFlag = { key: form.key.trim(), variants: Object.fromEntries(variants) };
  if (form.name.trim()) flag.name = form.name.trim();
  if (form.description.trim()) flag.description = form.description.trim();
  if (form.tags.length) flag.tags = form.tags;
  return { flag };
}

function readValue(type: FlagType, text: string): Json | undefined {
  if (type === 'string') return text;
  const read = scan(text.trim());
  if (!read.ok) return undefined;
  if (type === 'number' && typeof read.value !== 'number') return undefined;
  return read.value;
}

const unescaped = (token: string) => token.replaceAll('~1', '/').replaceAll('~0', '~');

/** The server's errors at the fields they belong to; what has no field goes under `form`. */
export function placeErrors(error: ApiError, form: Form): FormErrors {
  if (error.code === 'already_exists') return { key: 'Another flag has this key' };
  const placed: FormErrors = {};
  for (const { path, message, hint } of error.errors) {
    const [, member = '', name = ''] = path.split('/').map(unescaped);
    const row = member === 'variants' ? form.variants.findIndex((variant) => variant.name.trim() === name) : -1;
    const field = row >= 0 ? rowField(row) : ['key', 'name', 'description', 'tags', 'variants'].includes(member) ? member : 'form';
    placed[field] ??= hint ? `${message} ${hint}` : message;
  }
  return Object.keys(placed).length > 0 ? placed : { form: error.message };
}
