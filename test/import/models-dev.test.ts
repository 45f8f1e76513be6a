/** The mapping of a models.dev history, rule by rule. */
import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/domain/change.ts';
import { readRecord } from '../../src/import/history-record.ts';
import { changesOf, createImportState, type LeftOut } from '../../src/import/models-dev.ts';

const at = '2026-01-02T03:04:05Z';
const later = '2026-02-02T03:04:05Z';
const plainModel = { name: 'One', attachment: false, limit: { context: 1000, output: 100 } };

type Line = { kind: string; id?: string; at?: string; model?: object; fields?: object };

function map(lines: readonly Line[]): { changes: Change[]; leftOut: LeftOut[] } {
  const state = createImportState();
  const records = lines.map((line, index) =>
    readRecord(JSON.stringify({ at, commit: 'abcdef0', provider: 'acme', id: 'one', ...line }), index + 1),
  );
  const first = records.slice(0, -1);
  changesOf(state, first);
  return changesOf(state, records.slice(-1));
}

describe('added', () => {
  test('is the model as a whole, and its price from the moment on at which the source had it', () => {
    const model = {
      ...plainModel,
      family: 'ones',
      tool_call: true,
      temperature: false,
      open_weights: true,
      interleaved: { field: 'reasoning_content' },
      modalities: { input: ['text', 'image'], output: ['text'] },
      cost: { input: 0.1, output: 3, cache_read: 0.003625, citation: 5 },
    };
    expect(map([{ kind: 'added', model }])).toEqual({
      leftOut: [],
      changes: [
        {
          type: 'addModel',
          upsert: true,
          observedAt: at,
          model: {
            id: 'acme/one',
            name: 'One',
            family: 'ones',
            contextWindow: 1000,
            outputLimit: 100,
            modalities: { input: ['text', 'image'], output: ['text'] },
            capabilities: ['vision', 'tools'],
            extra: {
              attachment: false,
              temperature: false,
              open_weights: true,
              'interleaved.field': 'reasoning_content',
              'cost.citation': '5',
            },
          },
        },
        {
          type: 'changePrice',
          id: 'acme/one',
          effectiveFrom: at,
          observedAt: at,
          source: 'models.dev abcdef0',
          pricing: {
            input: '0.1',
            output: '3',
            cacheRead: '0.003625',
            cacheWrite: null,
            reasoning: null,
            inputAudio: null,
            outputAudio: null,
            tiers: null,
          },
        },
      ],
    });
  });

  test('without a price makes none', () => {
    expect(map([{ kind: 'added', model: plainModel }]).changes.map(({ type }) => type)).toEqual(['addModel']);
  });

  test('again after a removal, without its old price, takes that off', () => {
    const { changes } = map([
      { kind: 'added', model: { ...plainModel, cost: { input: 1 } } },
      { kind: 'removed' },
      { kind: 'added', model: plainModel },
    ]);
    expect(changes[1]).toMatchObject({
      type: 'changePrice',
      pricing: { input: null, output: null, tiers: null },
    });
  });

  test.each([
    ['alpha', ['addModel'], 'beta', { attachment: false, status: 'alpha' }],
    ['beta', ['addModel'], 'beta', { attachment: false }],
    ['deprecated', ['addModel', 'deprecateModel'], undefined, { attachment: false }],
    ['new-word', ['addModel'], undefined, { attachment: false, status: 'new-word' }],
  ])('with status %s', (status, types, expected, extra) => {
    const { changes } = map([{ kind: 'added', model: { ...plainModel, status } }]);
    expect(changes.map(({ type }) => type)).toEqual(types);
    const [first] = changes;
    expect(first?.type === 'addModel' ? [first.model.status, first.model.extra] : []).toEqual([
      expected,
      extra,
    ]);
  });
});

describe('changed', () => {
  const added = {
    kind: 'added',
    model: { ...plainModel, tool_call: true, knowledge: '2024', cost: { input: 1 } },
  };
  const change = (fields: object) => map([added, { kind: 'changed', at: later, fields }]).changes;

  test('names what became different, null for what went away', () => {
    const fields = {
      name: ['One', 'Uno'],
      'limit.output': [100, null],
      tool_call: [true, false],
      knowledge: ['2024', null],
      family: [null, 'ones'],
    };
    expect(change(fields)).toEqual([
      {
        type: 'updateModel',
        id: 'acme/one',
        observedAt: later,
        updates: {
          name: 'Uno',
          family: 'ones',
          outputLimit: null,
          capabilities: null,
          extra: { knowledge: null, tool_call: false },
        },
      },
    ]);
  });

  test('of a price names the parts of the record alone', () => {
    expect(change({ 'cost.input': [1, null], 'cost.cache_write': [null, 0.25] })).toEqual([
      {
        type: 'changePrice',
        id: 'acme/one',
        pricing: { input: null, cacheWrite: '0.25' },
        effectiveFrom: later,
        source: 'models.dev abcdef0',
        observedAt: later,
      },
    ]);
  });

  test('of one part of a context tier carries the others of that tier along', () => {
    const over = { input: 2, output: 8 };
    const { changes } = map([
      { kind: 'added', model: { ...plainModel, cost: { input: 1, context_over_200k: over } } },
      { kind: 'changed', fields: { 'cost.context_over_200k.output': [8, 9] } },
    ]);
    const tiers = [{ overTokens: 200_000, input: '2', output: '9' }];
    expect(changes).toMatchObject([{ type: 'changePrice', pricing: { tiers } }]);
  });

  test('from one spelling of context tiers to the other is the same price', () => {
    const { changes } = map([
      { kind: 'added', model: { ...plainModel, cost: { context_over_200k: { input: 2 } } } },
      {
        kind: 'changed',
        fields: {
          'cost.context_over_200k.input': [2, null],
          'cost.tiers': [null, [{ tier: { size: 200_000, type: 'context' }, input: 2.0 }]],
        },
      },
    ]);
    expect(changes).toMatchObject([{ pricing: { tiers: [{ overTokens: 200_000, input: '2' }] } }]);
  });

  test('in its status deprecates, reinstates, and brings beta back', () => {
    const deprecated = { kind: 'changed', fields: { status: ['beta', 'deprecated'] } };
    const beta = { kind: 'added', model: { ...plainModel, status: 'beta' } };
    expect(map([beta, deprecated]).changes).toEqual([
      { type: 'deprecateModel', id: 'acme/one', observedAt: at },
    ]);
    expect(
      map([beta, deprecated, { kind: 'changed', fields: { status: ['deprecated', null] } }]).changes,
    ).toEqual([{ type: 'reinstateModel', id: 'acme/one', observedAt: at }]);
    expect(
      map([beta, deprecated, { kind: 'changed', fields: { status: ['deprecated', 'beta'] } }]).changes,
    ).toEqual([
      { type: 'reinstateModel', id: 'acme/one', observedAt: at },
      { type: 'updateModel', id: 'acme/one', updates: { status: 'beta' }, observedAt: at },
    ]);
    expect(map([beta, { kind: 'changed', fields: { status: ['beta', null] } }]).changes).toEqual([
      { type: 'updateModel', id: 'acme/one', updates: { status: 'active' }, observedAt: at },
    ]);
  });
});

test('removed is a removal, or a retirement from that moment on', () => {
  expect(
    map([
      { kind: 'added', model: plainModel },
      { kind: 'removed', at: later },
    ]).changes,
  ).toEqual([{ type: 'removeModel', id: 'acme/one', orRetireAt: later, observedAt: later }]);
});

describe('left out', () => {
  test('is a record of a model that nothing added', () => {
    for (const kind of ['changed', 'removed']) {
      const { changes, leftOut } = map([{ kind, ...(kind === 'changed' ? { fields: {} } : {}) }]);
      expect(changes).toEqual([]);
      expect(leftOut).toMatchObject([
        { line: 1, id: 'acme/one', why: expect.stringContaining('no line before') },
      ]);
    }
  });

  test('is an id that no model can have, and spaces around one', () => {
    expect(map([{ kind: 'added', id: 'two words', model: plainModel }])).toMatchObject({
      changes: [],
      leftOut: [{ id: 'acme/two words' }],
    });
    expect(map([{ kind: 'added', id: 'one ', model: plainModel }])).toMatchObject({
      changes: [{ model: { id: 'acme/one' } }],
      leftOut: [{ id: 'acme/one', field: 'id' }],
    });
  });

  test('is a tier that is not over a number of tokens, or a part that no tier has', () => {
    const tiers = [
      { tier: { size: 5, type: 'hours' }, input: 1 },
      { tier: { size: 9 }, input: 1, seats: 4 },
    ];
    const { changes, leftOut } = map([{ kind: 'added', model: { ...plainModel, cost: { tiers } } }]);
    expect(changes[1]).toMatchObject({ pricing: { tiers: [{ overTokens: 9, input: '1' }] } });
    expect(leftOut.map(({ field }) => field)).toEqual(['cost.tiers', 'cost.tiers.seats']);
  });
});
