/** Strict JSON against JSON.parse: the same values for the same texts, but for the listed refusals. */
import { deepStrictEqual } from 'node:assert/strict';
import { Big } from 'big.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { parseStrictJson } from '../../src/http/strict-json.ts';

/** The refusal of a text; anything else fails the test. */
function refusal(text: string): Failure {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`it was taken: ${text}`);
}

const parse = (text: string) => parseStrictJson(Buffer.from(text));

/** What must be refused although JSON.parse takes it; a second, slow and simple opinion. The text is JSON. */
function mustBeRefused(text: string): boolean {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[{}[\],:]|true|false|null/gs) ?? [];
  const open: string[][] = [];
  for (const [index, token] of tokens.entries()) {
    if (token === '{' || token === '[') open.push([]);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"')) {
      const said = String(JSON.parse(token));
      if (said.includes('\0') || !said.isWellFormed()) return true;
      if (tokens[index + 1] === ':') {
        if (said === '__proto__' || open.at(-1)?.includes(said)) return true;
        open.at(-1)?.push(said);
      }
    } else if (/[0-9]/.test(token)) {
      const nearest = Number(token);
      if (!Number.isFinite(nearest) || !new Big(token).eq(new Big(String(nearest)))) return true;
    }
    if (open.length > 64) return true;
  }
  return false;
}

const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n ');
const stringText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
  fc
    .array(
      fc.constantFrom(
        'a',
        'é',
        '😀',
        '\\n',
        '\\u0061',
        '\\ud83d\\ude00',
        '\\ud800',
        '\\u0000',
        '\\"',
        '\\\\',
        '__proto__',
      ),
      { maxLength: 4 },
    )
    .map((parts) => `"${parts.join('')}"`),
);
const keyText = fc.oneof(
  fc.constantFrom('"a"', '"b"', '"\\u0061"', '"c d"', '"__proto__"', '"constructor"', '"1"'),
  stringText,
);
const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.maxSafeInteger().map(String),
  fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/),
);
const { value: jsonText } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('true', 'false', 'null'),
    numberText,
    stringText,
    tie('array'),
    tie('object'),
  ),
  array: fc
    .array(
      fc.tuple(space, tie('value'), space).map((parts) => parts.join('')),
      { maxLength: 5 },
    )
    .map((items) => `[${items.join()}]`),
  object: fc
    .array(
      fc
        .tuple(space, keyText, space, fc.constant(':'), space, tie('value'), space)
        .map((parts) => parts.join('')),
      { maxLength: 5 },
    )
    .map((members) => `{${members.join()}}`),
}));
const brokenText = fc
  .tuple(
    jsonText,
    fc.nat(),
    fc.nat(2),
    fc.constantFrom(...'{}[]",:\\0123456789.eE+-tfn u\n\u0000é'.split('')),
  )
  .map(([text, where, howMany, character]) => {
    const at = where % (text.length + 1);
    return text.slice(0, at) + character + text.slice(at + howMany);
  })
  .filter((text) => text.isWellFormed());

/** Taken with the value of JSON.parse, or refused for a reason that the second opinion shares. */
function agreesWithJsonParse(text: string): void {
  let native: unknown;
  try {
    native = JSON.parse(text);
  } catch {
    refusal(text);
    return;
  }
  if (mustBeRefused(text)) expect(refusal(text).reason).not.toBe('json_syntax');
  else deepStrictEqual(parse(text), native); // expect's own equality trips over a member named constructor
}

describe('agrees with JSON.parse on all but the listed refusals', () => {
  test('for JSON', () => {
    fc.assert(fc.property(jsonText, agreesWithJsonParse), { numRuns: 5_000 });
  });

  test('for JSON with a fault in it', () => {
    fc.assert(fc.property(brokenText, agreesWithJsonParse), { numRuns: 5_000 });
  });

  test('for what JSON.stringify writes of any value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }), (value) => {
        agreesWithJsonParse(JSON.stringify(value));
        agreesWithJsonParse(JSON.stringify(value, null, 2));
      }),
    );
  });
});

describe('any bytes', () => {
  test('are a value or a Failure', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        try {
          parseStrictJson(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
    );
  });
});
