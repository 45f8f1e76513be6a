/** The schemas of changes: strict, with the place of what is wrong, and every time in UTC. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ChangeType, changeSchema } from '../../src/domain/change.ts';

/** One good change of every type. */
const good: Readonly<Record<ChangeType, Readonly<Record<string, unknown>>>> = {
  defineKey: { key: 'app.greeting', valueType: 'string', fallback: 'hello' },
  retireKey: { key: 'app.greeting' },
  setOverride: { key: 'app.greeting', scope: 'tenant:acme', value: null },
  clearOverride: { key: 'app.greeting', scope: 'global' },
  withdrawOverride: { revision: 1 },
  addModel: { model: { id: 'openai/gpt-4o', name: 'GPT-4o', contextWindow: 0 } },
  updateModel: { id: 'openai/gpt-4o', updates: {} },
  changePrice: { id: 'openai/gpt-4o', pricing: { input: 0.27 } },
  correctPrice: { id: 'openai/gpt-4o', pricing: { input: null }, effectiveFrom: '2026-01-01T00:00:00Z' },
  deprecateModel: { id: 'openai/gpt-4o' },
  reinstateModel: { id: 'openai/gpt-4o' },
  removeModel: { id: 'openai/gpt-4o' },
  tagRevision: { name: 'v1.0' },
};
const types = Object.keys(good) as ChangeType[];

/** Where a change is wrong: the path of each complaint, and for unknown fields their names. */
function wrongIn(change: unknown): readonly string[] {
  const parsed = changeSchema.safeParse(change);
  return (parsed.error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => [...issue.path, name].join('.'))
      : [issue.path.join('.')],
  );
}

describe('every type', () => {
  test.each(types)('%s is taken as it is', (type) => {
    expect(wrongIn({ type, ...good[type] })).toStrictEqual([]);
  });

  test.each(types)('%s knows no other fields, and says which', (type) => {
    expect(wrongIn({ type, ...good[type], reason: 'x' })).toStrictEqual(['reason']);
    expect(wrongIn({ type, ...good[type], constructor: 'x' })).toStrictEqual(['constructor']);
  });

  test.each(types.flatMap((type) => Object.keys(good[type]).map((field) => [type, field] as const)))(
    '%s cannot do without %s',
    (type, field) => {
      const { [field]: _, ...rest } = good[type];
      const isOptional = type === 'setOverride' && field === 'value';
      expect(wrongIn({ type, ...rest })).toStrictEqual(isOptional ? [] : [field]);
    },
  );

  test('is one of those that there are', () => {
    for (const type of ['renameKey', '', null, 7, undefined])
      expect(wrongIn({ ...good.retireKey, type })).toStrictEqual(['type']);
    for (const change of [null, [], 'retireKey', 7]) expect(wrongIn(change)).toStrictEqual(['']);
  });

  test('stands in the JSON Schema that the documentation is made of', () => {
    const schema = z.toJSONSchema(changeSchema, { io: 'input', unrepresentable: 'any' });
    expect(JSON.stringify(schema)).toContain('"setOverride"');
  });
});

describe('fields', () => {
  const override = (fields: object) => wrongIn({ type: 'setOverride', ...good.setOverride, ...fields });
  const model = (fields: object) =>
    wrongIn({ type: 'addModel', model: { ...(good.addModel['model'] as object), ...fields } });
  const updates = (fields: object) => wrongIn({ type: 'updateModel', id: 'a/b', updates: fields });
  const key = (fields: object) => wrongIn({ type: 'defineKey', ...good.defineKey, ...fields });

  test.each([
    ['App.greeting'],
    ['app..greeting'],
    ['app.'],
    ['.app'],
    ['app.gree-ting'],
    ['1app'],
    ['app._a'],
    [''],
    ['a'.repeat(201)],
    [7],
    [null],
  ])('key %j is none', (wrong) => {
    expect(override({ key: wrong })).toStrictEqual(['key']);
  });

  test.each([
    ['user:'],
    ['user'],
    ['Global'],
    ['org:1'],
    [''],
    ['user:a\u0000'],
    ['user:\ud800'],
    [`user:${'u'.repeat(201)}`],
    [null],
  ])('scope %j is none', (wrong) => {
    expect(override({ scope: wrong })).toStrictEqual(['scope']);
  });

  test.each([
    ['2026-01-01'],
    ['2026-02-30T00:00:00Z'],
    ['2026-01-01T00:00:00'],
    ['2026-01-01T00:00:00.0001Z'],
    ['tomorrow'],
    [1_767_225_600_000],
    [null],
  ])('time %j is none', (wrong) => {
    expect(override({ effectiveFrom: wrong })).toStrictEqual(['effectiveFrom']);
  });

  test('null is no way to leave something out', () => {
    expect(override({ allocation: null })).toStrictEqual(['allocation']);
    expect(override({ replaceScheduled: null })).toStrictEqual(['replaceScheduled']);
    expect(key({ description: null })).toStrictEqual(['description']);
    expect(model({ family: null })).toStrictEqual(['model.family']);
  });

  test('of keys', () => {
    expect(key({ valueType: 'float' })).toStrictEqual(['valueType']);
    expect(key({ defaultProvider: 'Open AI' })).toStrictEqual(['defaultProvider']);
    expect(key({ scopes: [] })).toStrictEqual(['scopes']);
    expect(key({ scopes: ['user', 'everybody'] })).toStrictEqual(['scopes.1']);
    expect(key({ description: 'a\u0007' })).toStrictEqual(['description']);
    expect(key({ description: 'two\r\n\tlines' })).toStrictEqual([]);
    expect(key({ description: 'x'.repeat(4_001) })).toStrictEqual(['description']);
    expect(key({ fallback: null })).toStrictEqual([]);
  });

  test('of models', () => {
    expect(model({ size: 7 })).toStrictEqual(['model.size']);
    expect(model({ contextWindow: -1 })).toStrictEqual(['model.contextWindow']);
    expect(model({ contextWindow: 1.5 })).toStrictEqual(['model.contextWindow']);
    expect(model({ contextWindow: 2 ** 53 })).toStrictEqual(['model.contextWindow']);
    expect(model({ modalities: { input: ['text'], video: [] } })).toStrictEqual(['model.modalities.video']);
    expect(model({ capabilities: ['tools', ''] })).toStrictEqual(['model.capabilities.1']);
    expect(model({ status: 'removed' })).toStrictEqual(['model.status']);
    expect(model({ pricing: { input: '-1' } })).toStrictEqual(['model.pricing.input']);
    expect(model({ pricing: { inputs: '1' } })).toStrictEqual(['model.pricing.inputs']);
    expect(model({ provider: 'Open AI' })).toStrictEqual(['model.provider']);
    expect(model({ name: '' })).toStrictEqual(['model.name']);
    expect(model({ name: 'a\nb' })).toStrictEqual(['model.name']);
    expect(
      model({ extra: Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`f${n}`, n])) }),
    ).toStrictEqual(['model.extra']);
  });

  test('of updates: null removes what may be missing, and nothing else', () => {
    for (const field of ['family', 'description', 'outputLimit', 'modalities', 'capabilities', 'extra']) {
      expect(updates({ [field]: null })).toStrictEqual([]);
    }
    for (const field of ['name', 'contextWindow', 'status', 'pricing'])
      expect(updates({ [field]: null })).toStrictEqual([`updates.${field}`]);
    expect(updates({ id: 'x/y' })).toStrictEqual(['updates.id']);
    expect(updates({ status: 'deprecated' })).toStrictEqual(['updates.status']);
  });

  test('of tags and revisions', () => {
    for (const name of ['', ' ', 'a b', '-a', 'ä', 'a'.repeat(101)]) {
      expect(new Set(wrongIn({ type: 'tagRevision', name }))).toStrictEqual(new Set(['name']));
    }
    expect(wrongIn({ type: 'tagRevision', name: 'v1', revision: -1 })).toStrictEqual(['revision']);
    for (const revision of [0, -1, 1.5, '1', 2 ** 53])
      expect(wrongIn({ type: 'withdrawOverride', revision })).toStrictEqual(['revision']);
  });
});

describe('what is taken', () => {
  test('times come out in UTC with milliseconds', () => {
    const change = {
      type: 'clearOverride',
      ...good.clearOverride,
      effectiveFrom: '2026-07-01T02:00:00+02:00',
      effectiveUntil: '2026-07-02t00:00:00.5z',
    };
    expect(changeSchema.parse(change)).toMatchObject({
      effectiveFrom: '2026-07-01T00:00:00.000Z',
      effectiveUntil: '2026-07-02T00:00:00.500Z',
    });
  });

  test('prices come out as decimals', () => {
    expect(
      changeSchema.parse({ type: 'changePrice', id: 'a/b', pricing: { input: 0.27, output: '1.10' } }),
    ).toMatchObject({
      pricing: { input: '0.27', output: '1.1' },
    });
  });

  test('a bad key is told with the nearest good one', () => {
    const parsed = changeSchema.safeParse({ type: 'retireKey', key: 'ai.sectionBuilder.model' });
    expect(parsed.error?.issues[0]?.message).toContain('did you mean ai.section_builder.model?');
  });
});
