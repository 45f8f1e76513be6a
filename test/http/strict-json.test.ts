/** Strict JSON: what is refused and where, and that everything else is what JSON.parse says. */
import { deepStrictEqual } from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { type JsonFault, parseStrictJson } from '../../src/http/strict-json.ts';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

/** The reason, path and message of the refusal; anything else fails the test. */
function refusal(body: string | Buffer): { reason: string | undefined; path: string; message: string } {
  try {
    parseStrictJson(Buffer.from(body));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.code).toBe('invalid');
    expect(error.details).toHaveLength(1);
    return {
      reason: error.reason,
      path: error.details[0]?.path ?? '',
      message: error.details[0]?.message ?? '',
    };
  }
  throw new Error(`was taken: ${body.toString().slice(0, 100)}`);
}

describe('takes', () => {
  test.each<[string, unknown]>([
    ['null', null],
    [' \t\r\n[ 1 , true,false , "a" ] \n', [1, true, false, 'a']],
    ['{}', {}],
    ['[]', []],
    ['[ ]', []],
    ['{ }', {}],
    ['{"a":{"a":{"a":1}},"b":{"a":1}}', { a: { a: { a: 1 } }, b: { a: 1 } }],
    ['[{"a":1},{"a":1}]', [{ a: 1 }, { a: 1 }]],
    [String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, '"\\/\b\f\n\r\té😀'],
    ['"é 😀 \u2028 \u007f"', 'é 😀 \u2028 \u007f'],
    ['""', ''],
    ['{"":0}', { '': 0 }],
    ['{"constructor":1,"toString":2,"hasOwnProperty":3}', { constructor: 1, toString: 2, hasOwnProperty: 3 }],
  ])('%s', (text, value) => {
    deepStrictEqual(parse(text), value);
  });

  test.each([
    '0',
    '-0',
    '0.0',
    '0e999999',
    '-12',
    '0.1',
    '0.10',
    '1.50',
    '1e3',
    '1E+3',
    '10e-1',
    '1e21',
    '1e23',
    '5e-324',
    '0.00000000000000000001',
    '9007199254740992',
    '9007199254740994',
    '123456789012345680000',
    '1.7976931348623157e308',
    '0.30000000000000004',
    '1e00000000000000000000002',
    `0.1${'0'.repeat(5_000)}`,
    `${'1'.padEnd(300, '0')}`,
  ])('the number %s', (literal) => {
    expect(parse(literal)).toBe(Number(literal));
  });

  test('64 levels', () => {
    expect(parse('['.repeat(64) + ']'.repeat(64))).toStrictEqual(JSON.parse('['.repeat(64) + ']'.repeat(64)));
    const objects = `${'{"a":'.repeat(63)}{}${'}'.repeat(63)}`;
    expect(parse(objects)).toStrictEqual(JSON.parse(objects));
  });

  test('an object with very many keys', () => {
    const members = Array.from({ length: 50_000 }, (_, index) => `"key${index}":${index}`);
    expect(Object.keys(parse(`{${members.join()}}`) ?? {})).toHaveLength(50_000);
  });
});

describe('refuses and names the place', () => {
  const faults: readonly [text: string, reason: JsonFault, path: string, at: string][] = [
    ['', 'empty_body', '', 'line 1, column 1'],
    [' \n ', 'empty_body', '', 'line 1, column 1'],
    ['\ufeff{}', 'byte_order_mark', '', 'line 1, column 1'],
    ['{"a":1} x', 'json_syntax', '', 'line 1, column 9'],
    ['{"a":1}{"b":2}', 'json_syntax', '', 'line 1, column 8'],
    ['{"a":1,}', 'json_syntax', '', 'line 1, column 8'],
    ['[1,]', 'json_syntax', '1', 'line 1, column 4'],
    ['[1,,2]', 'json_syntax', '1', 'line 1, column 4'],
    ['{"a" 1}', 'json_syntax', 'a', 'line 1, column 6'],
    ['{a:1}', 'json_syntax', '', 'line 1, column 2'],
    ["{'a':1}", 'json_syntax', '', 'line 1, column 2'],
    ['{"changes":[{"key":"a"},{"key":}]}', 'json_syntax', 'changes.1.key', 'line 1, column 32'],
    ['{\n  "a": [\n    1\n    2\n  ]\n}', 'json_syntax', 'a', 'line 4, column 5'],
    ['{"a":', 'json_syntax', 'a', 'line 1, column 6'],
    ['["abc', 'json_syntax', '0', 'line 1, column 6'],
    ['["abc\\', 'json_syntax', '0', 'line 1, column 7'],
    ['["a\nb"]', 'json_syntax', '0', 'line 1, column 4'],
    ['["a\u001fb"]', 'json_syntax', '0', 'line 1, column 4'],
    ['["a\u0000b"]', 'json_syntax', '0', 'line 1, column 4'],
    ['\u0000', 'json_syntax', '', 'line 1, column 1'],
    [String.raw`["\x41"]`, 'json_syntax', '0', 'line 1, column 2'],
    [String.raw`["\u12g4"]`, 'json_syntax', '0', 'line 1, column 2'],
    ['["\\\n"]', 'json_syntax', '0', 'line 1, column 2'],
    ['tru', 'json_syntax', '', 'line 1, column 1'],
    ['undefined', 'json_syntax', '', 'line 1, column 1'],
    ['[NaN]', 'json_syntax', '0', 'line 1, column 2'],
    ['[-Infinity]', 'json_syntax', '0', 'line 1, column 3'],
    ['[01]', 'json_syntax', '', 'line 1, column 3'],
    ['[+1]', 'json_syntax', '0', 'line 1, column 2'],
    ['[.5]', 'json_syntax', '0', 'line 1, column 2'],
    ['[5.]', 'json_syntax', '0', 'line 1, column 4'],
    ['[-]', 'json_syntax', '0', 'line 1, column 3'],
    ['[1e]', 'json_syntax', '0', 'line 1, column 4'],
    ['[1e+]', 'json_syntax', '0', 'line 1, column 5'],
    ['[0x10]', 'json_syntax', '', 'line 1, column 3'],
    ['[1] // comment', 'json_syntax', '', 'line 1, column 5'],
    ['[\u00a01]', 'json_syntax', '0', 'line 1, column 2'],
    ['{"a":{"b":1,"b":2}}', 'duplicate_key', 'a.b', 'line 1, column 13'],
    ['{"b":1,"b":1}', 'duplicate_key', 'b', 'line 1, column 8'],
    [String.raw`[{"b":1,"\u0062":1}]`, 'duplicate_key', '0.b', 'line 1, column 9'],
    ['{"":1,"":1}', 'duplicate_key', '', 'line 1, column 7'],
    ['{"a":{"__proto__":{"admin":true}}}', 'forbidden_key', 'a.__proto__', 'line 1, column 7'],
    [String.raw`{"\u005f_proto__":1}`, 'forbidden_key', '__proto__', 'line 1, column 2'],
    [String.raw`{"a":["x\u0000"]}`, 'bad_string', 'a.0', 'line 1, column 7'],
    [String.raw`{"a":{"k\u0000":1}}`, 'bad_string', 'a', 'line 1, column 7'],
    [String.raw`{"a":"\ud800"}`, 'bad_string', 'a', 'line 1, column 6'],
    [String.raw`{"a":"\udc00\ud800"}`, 'bad_string', 'a', 'line 1, column 6'],
    [String.raw`{"\udfff":1}`, 'bad_string', '', 'line 1, column 2'],
    ['{"a":9007199254740993}', 'inexact_number', 'a', 'line 1, column 6'],
    ['[-9007199254740993]', 'inexact_number', '0', 'line 1, column 2'],
    ['[0.30000000000000000001]', 'inexact_number', '0', 'line 1, column 2'],
    ['[1e400]', 'inexact_number', '0', 'line 1, column 2'],
    ['[-1e400]', 'inexact_number', '0', 'line 1, column 2'],
    ['[1e-400]', 'inexact_number', '0', 'line 1, column 2'],
    ['[123456789012345678000]', 'inexact_number', '0', 'line 1, column 2'],
    ['[4e-324]', 'inexact_number', '0', 'line 1, column 2'],
    ['[123456789012345678901234567890]', 'inexact_number', '0', 'line 1, column 2'],
    [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'too_deep', `a${'.0'.repeat(63)}`, 'line 1, column 69'],
  ];
  test.each(faults)('%j', (text, reason, path, at) => {
    const refused = refusal(text);
    expect(refused).toMatchObject({ reason, path });
    expect(refused.message).toContain(`(${at})`);
  });

  test.each<[string, readonly number[], string]>([
    ['a stray byte', [0x5b, 0x22, 0xff, 0x22, 0x5d], 'line 1, column 3'],
    [
      'a byte that continues nothing, on line 2',
      [0x5b, 0x0a, 0x22, 0xc3, 0xa9, 0x80, 0x22, 0x5d],
      'line 2, column 3',
    ],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22], 'line 1, column 2'],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 'line 1, column 2'],
    ['a character cut off', [0x22, 0xf0, 0x9f, 0x98], 'line 1, column 2'],
    ['UTF-16', [0xff, 0xfe, 0x5b, 0x00, 0x5d, 0x00], 'line 1, column 1'],
  ])('bytes that are not UTF-8: %s', (_, bytes, at) => {
    const refused = refusal(Buffer.from(bytes));
    expect(refused.reason).toBe('invalid_utf8');
    expect(refused.message).toContain(`(${at})`);
  });

  test.each([
    ['[', 'too_deep'],
    ['{"a":', 'too_deep'],
    ['9', 'inexact_number'],
    ['0', 'json_syntax'],
    ['-', 'json_syntax'],
    ['0.', 'json_syntax'],
    ['" ', 'json_syntax'],
    ['"', 'json_syntax'],
    ['\\', 'json_syntax'],
  ])('a megabyte of %s', (part, reason) => {
    expect(refusal(part.repeat(1_000_000 / part.length)).reason).toBe(reason);
  });

  test('a megabyte of zeros with something behind them', () => {
    expect(refusal(`0.${'0'.repeat(1_000_000)}1`).reason).toBe('inexact_number');
    expect(parse(`12${'0'.repeat(1_000_000)}e-1000000`)).toBe(12);
  });

  test('a key that is too long to be repeated in the answer', () => {
    const key = '😀'.repeat(5_000);
    const refused = refusal(`{"${key}":1,"${key}":1}`);
    expect(refused.reason).toBe('duplicate_key');
    expect(refused.path.length).toBeLessThanOrEqual(200);
    expect(refused.message.length).toBeLessThan(200);
  });

  test('no prototype is touched', () => {
    refusal('{"__proto__":{"polluted":true}}');
    const value = parse('{"constructor":{"prototype":{"polluted":true}}}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });

  test('the limit is the caller\u2019s', () => {
    expect(parseStrictJson(Buffer.from('[[]]'), { maxDepth: 2 })).toStrictEqual([[]]);
    expect(() => parseStrictJson(Buffer.from('[[]]'), { maxDepth: 1 })).toThrow(Failure);
  });
});
