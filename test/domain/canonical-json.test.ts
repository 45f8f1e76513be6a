/** Canonical JSON: the published vectors of RFC 8785, its laws, and what it must never write. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import type { JsonValue } from '../../src/domain/json.ts';

const json = (text: string) => JSON.parse(text) as JsonValue;

const named = process.env['VARVE_VECTORS'];
const folder = join(named ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url)), 'jcs');
const isHere = existsSync(folder);
const leftOutNote = isHere ? '' : ' (left out: no published vectors here, see VARVE_VECTORS)';

describe('the vectors of cyberphone/json-canonicalization', () => {
  test('are where VARVE_VECTORS says, if it says so', () => {
    expect(named === undefined || isHere).toBe(true);
  });

  test.runIf(isHere)(`text and bytes of each${leftOutNote}`, () => {
    const names = readdirSync(join(folder, 'input')).sort();
    expect(names).toEqual(
      expect.arrayContaining(['arrays.json', 'structures.json', 'values.json', 'weird.json']),
    );
    for (const name of names) {
      const canonical = canonicalJson(json(readFileSync(join(folder, 'input', name), 'utf8')));
      expect(canonical, name).toBe(readFileSync(join(folder, 'output', name), 'utf8'));
      const hex = readFileSync(join(folder, 'outhex', name.replace('.json', '.txt')), 'utf8').replace(
        /\s/g,
        '',
      );
      expect(Buffer.from(canonical).toString('hex'), name).toBe(hex);
    }
  });
});

/** RFC 8785, appendix B: IEEE 754 bits and the text of the number. */
const numbers: readonly [bits: string, text: string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

describe('numbers of RFC 8785, appendix B', () => {
  test.each(numbers)('%s is %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });
});

describe('writes', () => {
  test('members by the code units of their names, at every depth, also where names are digits', () => {
    expect(
      canonicalJson({ b: [{ z: 1, y: null }], 10: true, 9: false, '': 0, é: 1, '\u{1f600}': 2, '\ufb33': 3 }),
    ).toBe('{"":0,"10":true,"9":false,"b":[{"y":null,"z":1}],"é":1,"\u{1f600}":2,"\ufb33":3}');
  });

  test('strings with the shortest escapes', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028\0')).toBe(
      `${String.raw`"€$\u000f\nA'B\"\\\\\"/`}\u007f\u2028${String.raw`\u0000"`}`,
    );
  });

  test('objects without a prototype, and members called __proto__ or toJSON', () => {
    expect(canonicalJson(Object.setPrototypeOf({ b: 1, a: 2 }, null) as object)).toBe('{"a":2,"b":1}');
    expect(canonicalJson(json('{"toJSON":1,"__proto__":2}'))).toBe('{"__proto__":2,"toJSON":1}');
  });

  test('the same for the same value in another order, and nothing but that value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 }), (value) => {
        const plain = json(JSON.stringify(value));
        const canonical = canonicalJson(plain);
        expect(canonicalJson(backwards(plain))).toBe(canonical);
        expect(canonicalJson(json(canonical))).toBe(canonical);
        expect(JSON.parse(canonical)).toEqual(plain);
      }),
    );
  });
});

/** The same JSON value with the members of every object in the other order. */
function backwards(value: unknown): object {
  return JSON.parse(JSON.stringify(value), (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).reverse())
      : part,
  );
}

describe('throws for what is not JSON', () => {
  const circle = new (class Circle {})();
  test.each<[string, object]>([
    ['NaN', [Number.NaN]],
    ['Infinity', { a: Number.POSITIVE_INFINITY }],
    ['undefined in an object', { a: undefined }],
    ['undefined in an array', [undefined]],
    ['a hole', Object.assign([], { length: 1 })],
    ['a high surrogate alone', ['\ud800']],
    ['a low surrogate alone', { a: 'x\udc00' }],
    ['half a pair in a name', { '\ud800': 1 }],
    ['a bigint', [1n]],
    ['a symbol', [Symbol('x')]],
    ['a function', [() => 1]],
    ['a date', { at: new Date(0) }],
    ['a map', new Map()],
    ['bytes', Buffer.from('x')],
    ['an object of a class', circle],
  ])('%s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
