import { describe, expect, it } from 'vitest';
import { scan } from './scan';

const fault = (text: string) => {
  const result = scan(text);
  return result.ok ? undefined : { offset: result.offset, message: result.message };
};

describe('scan', () => {
  it.each(['{}', '[]', ' [1, -2.5e3, true, null, "a\\u00e9\\n"] ', '{"a":{"b":[{"c":0}]},"":1,"a/b":2,"~":3}', '"x"', '0'])(
    'agrees with the platform on %s',
    (text) => {
      expect(scan(text)).toMatchObject({ ok: true, value: JSON.parse(text) });
    },
  );

  it.each(['', '{', '[1,]', '{"a":1,}', '01', '1.', '"a', '"\\x"', "{'a':1}", '{a:1}', '[1 2]', 'nul', '1 1', '"a\nb"'])(
    'refuses what the platform refuses: %j',
    (text) => {
      expect(() => JSON.parse(text)).toThrow();
      expect(scan(text).ok).toBe(false);
    },
  );

  it('notes where each value stands, a member from its name', () => {
    const text = '{\n  "if": [\n    {"a/b": 1}\n  ]\n}';
    const result = scan(text);
    if (!result.ok) throw new Error(result.message);
    const at = (pointer: string) => text.slice(result.spans.get(pointer)?.start, result.spans.get(pointer)?.end);
    expect(at('')).toBe(text);
    expect(at('/if')).toBe('"if": [\n    {"a/b": 1}\n  ]');
    expect(at('/if/0')).toBe('{"a/b": 1}');
    expect(at('/if/0/a~1b')).toBe('"a/b": 1');
  });

  it('says what is wrong and where', () => {
    expect(fault('[1, 2,]')).toEqual({ offset: 5, message: 'A comma before "]" is not allowed' });
    expect(fault('{"a" 1}')).toEqual({ offset: 5, message: 'Expected ":", found "1"' });
    expect(fault('{"a": 1')).toEqual({ offset: 7, message: 'Expected "," or "}", found the end' });
  });

  it('refuses a name that appears twice, which parsing would silently drop', () => {
    expect(fault('{"a":1,"a":2}')?.offset).toBe(7);
  });

  it('keeps a member called __proto__ as a member', () => {
    const result = scan('{"__proto__":{"x":1}}');
    expect(result.ok && Object.keys(result.value as object)).toEqual(['__proto__']);
  });

  it('is not brought down by deep nesting', () => {
    expect(fault('['.repeat(100_000))?.message).toMatch(/deeper/);
  });
});
