/** Lines of a history: what a good one becomes, and that a bad one is refused by its number and place. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { maxLineLength, readRecord } from '../../src/import/history-record.ts';

const origin = '"at":"2026-01-02T03:04:05Z","commit":"abcdef0","provider":"acme","id":"one"';
const model = '"name":"One","limit":{"context":1000}';

function failureOf(line: string): Failure {
  try {
    readRecord(line, 7);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('the line was taken');
}

describe('a good line', () => {
  test('becomes flat facts', () => {
    const line = `{${origin},"kind":"added","model":{${model},"modalities":{"input":["text"]},"family":null}}`;
    const { facts, ...rest } = readRecord(line, 7);
    expect(rest).toEqual({
      line: 7,
      at: '2026-01-02T03:04:05Z',
      commit: 'abcdef0',
      id: 'acme/one',
      isTrimmed: false,
      kind: 'added',
    });
    expect([...facts]).toEqual([
      ['name', 'One'],
      ['limit.context', 1000],
      ['modalities.input', ['text']],
    ]);
  });

  test.each([
    ['0.1', '0.1'],
    ['3.0', '3'],
    ['1e-7', '0.0000001'],
    ['0.12345678901234567', '0.12345678901234567'],
    ['12', '12'],
  ])('keeps the money %s by its literal', (literal, text) => {
    const line = `{${origin},"kind":"changed","fields":{"cost.input":[null,${literal}]}}`;
    expect(readRecord(line, 1).facts.get('cost.input')).toBe(text);
  });

  test('says with null what went away', () => {
    const line = `{${origin},"kind":"changed","fields":{"cost.input":[1,null],"status":["beta",null]}}`;
    expect([...readRecord(line, 1).facts]).toEqual([
      ['cost.input', null],
      ['status', null],
    ]);
  });
});

describe('a bad line', () => {
  test.each([
    ['no JSON', 'not json', ''],
    ['no object', '[]', ''],
    ['a name twice', `{${origin},"kind":"removed","kind":"added"}`, ''],
    ['an unknown kind', `{${origin},"kind":"renamed"}`, 'kind'],
    ['an unknown field', `{${origin},"kind":"removed","why":1}`, ''],
    ['a broken time', `{${origin.replace('2026-01-02T', '2026-13-02T')},"kind":"removed"}`, 'at'],
    ['a broken commit', `{${origin.replace('abcdef0', 'main')},"kind":"removed"}`, 'commit'],
    ['an empty id', `{${origin.replace('"one"', '" "')},"kind":"removed"}`, 'id'],
    ['no name', `{${origin},"kind":"added","model":{"limit":{"context":1}}}`, 'name'],
    ['no context', `{${origin},"kind":"added","model":{"name":"One"}}`, 'limit.context'],
    ['half a change', `{${origin},"kind":"changed","fields":{"name":["One"]}}`, 'fields.name'],
    ['a negative price', `{${origin},"kind":"changed","fields":{"cost.input":[1,-1]}}`, 'cost.input'],
    ['a price in words', `{${origin},"kind":"changed","fields":{"cost.input":[1,"free"]}}`, 'cost.input'],
    [
      'a price without bounds',
      `{${origin},"kind":"changed","fields":{"cost.input":[1,1e999999]}}`,
      'cost.input',
    ],
    ['a number that is none', `{${origin},"kind":"changed","fields":{"x":[1,123456789012345678901]}}`, 'x'],
    ['a flag that is none', `{${origin},"kind":"changed","fields":{"tool_call":[true,"yes"]}}`, 'tool_call'],
    ['a name that went away', `{${origin},"kind":"changed","fields":{"name":["One",null]}}`, 'name'],
  ])('with %s is refused by its number', (_, line, path) => {
    const failure = failureOf(line);
    expect(failure).toMatchObject({ code: 'invalid', reason: 'bad_line' });
    expect(failure.message).toMatch(/^line 7: ./);
    expect(failure.details.map((detail) => detail.path)).toContain(path);
  });

  test('that is too long is not parsed', () => {
    expect(failureOf(' '.repeat(maxLineLength + 1)).message).toContain(String(maxLineLength));
  });
});
