/**
 * Comparing a draft with what is there, on the whole product: values, differences, and costs worked out by hand.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allTime,
  type CompareStand,
  cheaper,
  codesOf,
  key,
  other,
  startCompareStand,
} from './compare-stand.ts';

let stand: CompareStand;
const compare = (body: object) => stand.compare(body);

beforeAll(async () => {
  stand = await startCompareStand();
});
afterAll(() => stand.varve.stop());

describe('a draft on the head', () => {
  test('costs what its models cost, to the last digit, and appends nothing', async () => {
    const { status, body } = await compare({ left: {}, right: { changes: [cheaper] }, usage: allTime });
    expect(status).toBe(200);
    // 130 + 0.00007 + 2 against 13 + 0.000007 + 2.
    expect(body.cost).toMatchObject({
      left: '132.00007',
      right: '15.000007',
      difference: '-117.000063',
      records: 4,
      unpriced: { left: 1, right: 1 },
      modelDiffers: 2,
      modelNotRecorded: { left: 0, right: 2 },
      byTenant: [
        { name: 'acme', left: '132', right: '15', difference: '-117' },
        { name: null, left: '0.00007', right: '0.000007', difference: '-0.000063' },
      ],
      byKey: [
        { name: key, left: '130.00007', right: '13.000007', difference: '-117.000063' },
        { name: null, left: '2', right: '2', difference: '0' },
      ],
    });
    expect(body.cost.byModel).toEqual([
      { name: 'openai/big', left: '130.00007', right: '0', difference: '-130.00007' },
      { name: 'openai/small', left: '2', right: '15.000007', difference: '13.000007' },
      { name: 'openai/free', left: '0', right: '0', difference: '0' },
    ]);
    expect(codesOf(body)).toEqual(['models_differ', 'unpriced', 'model_not_recorded', 'unpriced']);
    expect(body.notes[0].message).toContain('tokens do not carry over between models');
  });

  test('differs from the head in what it touches, and resolves so for everybody who is known', async () => {
    const { body } = await compare({ left: {}, right: { changes: [cheaper] } });
    expect(body.diff).toEqual({
      items: [
        {
          subject: `override:${key}@global`,
          field: 'value',
          before: null,
          after: 'openai/small',
          events: [],
          hasMoreEvents: false,
        },
      ],
      isComplete: true,
    });
    // Nobody, the two users of the usage with what came with them, and two scopes of overrides.
    expect(body.contexts).toEqual({ known: 6, checked: 6 });
    const differing = body.resolutions.map((item: { context: object }) => item.context);
    expect(differing).toContainEqual({});
    expect(differing).toContainEqual({ user: 'u-1', tenant: 'acme' });
    expect(body.resolutions[0]).toMatchObject({
      key,
      left: { value: 'openai/big', scope: 'fallback', reason: 'DEFAULT', model: { id: 'openai/big' } },
      right: { value: 'openai/small', scope: 'global', reason: 'STATIC', model: { id: 'openai/small' } },
    });
    expect(body.right).toEqual(body.left);
    expect(body).not.toHaveProperty('cost');
  });

  test('may define what the ledger does not know, with prices of its own', async () => {
    const changes = [
      {
        type: 'addModel',
        model: { id: 'new/one', name: 'One', contextWindow: 1, pricing: { input: '0.5' } },
      },
      { type: 'changePrice', id: 'openai/small', pricing: { input: '4' } },
      { type: 'setOverride', key, scope: 'tenant:acme', value: 'new/one' },
      { type: 'defineKey', key: 'ai.new', valueType: 'integer', fallback: 3 },
    ];
    const { body } = await compare({
      left: {},
      right: { changes },
      contexts: [{ tenant: 'acme' }],
      usage: allTime,
    });
    // Record a has output, for which the new model has no price; record c is 2 × 4 now.
    expect(body.cost).toMatchObject({ left: '132.00007', right: '8.00007', unpriced: { left: 1, right: 2 } });
    expect(body.contexts).toEqual({ checked: 1 });
    expect(body.resolutions).toMatchObject([
      { key: 'ai.new', left: null, right: { value: 3 } },
      { key, left: { value: 'openai/big' }, right: { value: 'new/one' } },
    ]);
    const fields = body.diff.items.map((item: { subject: string; field: string }) => [
      item.subject,
      item.field,
    ]);
    expect(fields).toContainEqual(['model:openai/small', 'pricing.input']);
    expect(fields).toContainEqual(['key:ai.new', 'fallback']);
  });

  test('that starts later is seen at a later moment only', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const changes = [{ ...cheaper, effectiveFrom: later }];
    const now = await compare({ left: {}, right: { changes }, contexts: [{}] });
    expect(now.body.resolutions).toEqual([]);
    expect(now.body.diff.items).toMatchObject([{ subject: `override:${key}@global`, field: 'scheduled' }]);
    const then = await compare({ left: { at: later }, right: { changes, at: later }, contexts: [{}] });
    expect(then.body.resolutions).toMatchObject([{ key, right: { value: 'openai/small' } }]);
    const past = await compare({
      left: {},
      right: { changes: [cheaper], at: '2021-01-01T00:00:00Z' },
      contexts: [{}],
    });
    expect(codesOf(past.body)).toEqual(['before_draft']);
  });
});

describe('a draft on an old revision', () => {
  test('is decided on what was then', async () => {
    const changes = [
      cheaper,
      { type: 'clearOverride', key: other, scope: 'user:u-1' },
      { type: 'defineKey', key: other, valueType: 'string', fallback: 'Hello', schema: { maxLength: 9 } },
      { type: 'changePrice', id: 'openai:small', pricing: { input: '2' } },
      { type: 'updateModel', id: 'openai/big', updates: { name: 'Bigger' } },
      { type: 'removeModel', id: 'openai/free' },
    ];
    const { status, body } = await compare({
      left: { asOf: stand.tagged },
      right: { asOf: String(stand.tagged), changes },
      contexts: [{}, { user: 'u-1' }],
      usage: allTime,
    });
    expect(status).toBe(200);
    expect(body.left.revision).toBe(stand.tagged);
    expect(body.resolutions).toMatchObject([
      { context: {}, key, left: { value: 'openai/big' }, right: { value: 'openai/small' } },
      { context: { user: 'u-1' }, key: other, left: { value: 'Hi' }, right: { value: 'Hello' } },
      { context: { user: 'u-1' }, key },
    ]);
    // 10 × 2 + 1 × 3, 7 × 2 millionths, 2 × 2.
    expect(body.cost).toMatchObject({ left: '132.00007', right: '27.000014' });
    const said = body.diff.items.map(({ subject, field, before, after }: Record<string, unknown>) => [
      subject,
      field,
      before,
      after,
    ]);
    expect(said).toEqual([
      [`key:${other}`, 'schema', null, { maxLength: 9 }],
      ['model:openai/big', 'name', 'Big', 'Bigger'],
      ['model:openai/free', 'contextWindow', 1, null],
      ['model:openai/free', 'id', 'openai/free', null],
      ['model:openai/free', 'model', 'free', null],
      ['model:openai/free', 'name', 'Without a price', null],
      ['model:openai/free', 'provider', 'openai', null],
      ['model:openai/free', 'status', 'active', 'removed'],
      ['model:openai/small', 'pricing.input', '1', '2'],
      [`override:${other}@user:u-1`, 'value', 'Hi', null],
      [`override:${key}@global`, 'value', null, 'openai/small'],
    ]);
  });

  test('is refused by the rules of then', async () => {
    const inUse = { asOf: stand.tagged, changes: [{ type: 'removeModel', id: 'openai/big' }] };
    expect(await compare({ left: inUse, right: {} })).toMatchObject({
      status: 422,
      body: { reason: 'model_in_use' },
    });
    const misfit = {
      type: 'defineKey',
      key: other,
      valueType: 'string',
      fallback: 'Hello',
      schema: { minLength: 3 },
    };
    const answer = await compare({ left: { asOf: stand.tagged, changes: [misfit] }, right: {} });
    expect(answer).toMatchObject({ status: 422, body: { reason: 'overrides_do_not_fit' } });
  });
});
