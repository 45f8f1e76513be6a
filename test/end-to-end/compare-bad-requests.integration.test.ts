/**
 * Bad comparisons on the whole product: each fault names its place, and nothing is appended.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

const key = 'ai.writer.model';
const allTime = { from: '2020-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' };

let varve: TestVarve;
let first: number;

beforeAll(async () => {
  varve = await startTestVarve();
  const { body } = await varve.change([
    { type: 'addModel', model: { id: 'openai/big', name: 'Big', contextWindow: 1 } },
    { type: 'defineKey', key, valueType: 'model', fallback: 'openai/big' },
  ]);
  first = body.revisions.last;
  await varve.change([{ type: 'setOverride', key, scope: 'user:u-1', value: 'openai/big' }]);
});
afterAll(() => varve.stop());

async function compare(body: object) {
  const before = await varve.call('GET', '/v1/status');
  const answer = await varve.call('POST', '/v1/compare', body);
  const after = await varve.call('GET', '/v1/status');
  expect(after.body.revision).toBe(before.body.revision);
  return answer;
}

test('a draft that the rules refuse names its change, on the head and on an old point', async () => {
  const set = { type: 'setOverride', key, scope: 'global', value: 'openai/big' };
  const changes = [set, { type: 'setOverride', key: 'no.such.key', scope: 'global', value: 1 }];
  for (const [body, path] of [
    [{ left: {}, right: { changes } }, 'right.changes.1'],
    [{ left: { asOf: first, changes }, right: {} }, 'left.changes.1'],
  ] as const) {
    const answer = await compare(body);
    expect(answer).toMatchObject({ status: 422, body: { code: 'refused', reason: 'unknown_key' } });
    expect(answer.body.errors[0].path).toBe(path);
  }
});

describe('bad requests name their places', () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ['an asOf that is none', { left: { asOf: 'yesterday' }, right: {} }, 'left.asOf'],
    ['a revision beyond the head', { left: {}, right: { asOf: 10_000 } }, 'right.asOf'],
    ['a revision that is none', { left: {}, right: { asOf: 1.5 } }, 'right.asOf'],
    ['a tag that nobody gave', { left: { asOf: 'tag:never' }, right: {} }, 'left.asOf'],
    ['the future as asOf', { left: { asOf: '2099-01-01T00:00:00Z' }, right: {} }, 'left.asOf'],
    ['a bad time', { left: { at: '2026-02-30T00:00:00Z' }, right: {} }, 'left.at'],
    [
      'a bad change',
      { left: {}, right: { changes: [{ type: 'setOverride', key: 'X', scope: 'global' }] } },
      'right.changes.0.key',
    ],
    [
      'a change with two values',
      { left: {}, right: { changes: [{ type: 'setOverride', key, scope: 'global' }] } },
      'right.changes.0.value',
    ],
    ['no changes', { left: { changes: [] }, right: {} }, 'left.changes'],
    ['no right world', { left: {} }, 'right'],
    ['an unknown field', { left: { as_of: 1 }, right: {} }, 'left.as_of'],
    ['no contexts', { left: {}, right: {}, contexts: [] }, 'contexts'],
    ['usage backwards', { left: {}, right: {}, usage: { from: allTime.to, to: allTime.from } }, 'usage.to'],
  ];
  test.each(cases)('%s', async (_name, body, path) => {
    const answer = await compare(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(answer.body.errors[0].path).toBe(path);
  });
});
