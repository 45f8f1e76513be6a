/**
 * The laws of comparing, over random worlds on a random history: compare(A, A) is zero, compare(B, A) is compare(A, B)
 * with its sides swapped and its signs turned, every list of costs adds up, and nothing is ever appended.
 */
import { Big } from 'big.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import {
  anyChange,
  contexts,
  historyOf,
  modelIds,
  modelKey,
  moments,
  stringKey,
} from '../support/random-histories.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

interface Pair {
  readonly left: string;
  readonly right: string;
  readonly difference: string;
}
interface Named extends Pair {
  readonly name: string | null;
}
interface Change {
  readonly before: unknown;
  readonly after: unknown;
}
interface Values {
  readonly left: unknown;
  readonly right: unknown;
}

const usage = { from: '2020-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' };
const future = '2090-01-01T00:00:00.000Z';
const past = '2020-06-01T00:00:00.000Z';
const lists = ['byModel', 'byTenant', 'byKey'] as const;

let varve: TestVarve;
let head = 0;

beforeAll(async () => {
  varve = await startTestVarve();
  await varve.change([
    ...modelIds.map((id, index) => ({
      type: 'addModel',
      model: { id, name: id, contextWindow: 1, pricing: { input: `${index + 1}.5`, output: '0.000001' } },
    })),
    { type: 'defineKey', key: stringKey, valueType: 'string', fallback: 'fallback' },
    { type: 'defineKey', key: modelKey, valueType: 'model', fallback: modelIds[0] },
  ]);
  const steps = fc.sample(historyOf(anyChange, 3), { seed: 7, numRuns: 30 }).flat();
  for (const { changes } of steps) {
    // Their times are long past, as an import's may be; what the rules refuse leaves no trace.
    const body = { reason: 'a random change', changes };
    await varve.call('POST', '/v1/changesets', body, { 'varve-source': 'import' });
  }
  const records = contexts.flatMap((context, index) =>
    [0, 1, 2].map((turn) => ({
      id: `${index}-${turn}`,
      at: formatInstant(moments[0] ?? 0),
      ...(turn === 2 ? {} : { key: turn === 0 ? modelKey : stringKey }),
      ...(turn === 0 ? {} : { model: modelIds[turn] }),
      ...context,
      inputTokens: 10 ** index + turn,
      outputTokens: turn,
    })),
  );
  await varve.call('POST', '/v1/usage', { records });
  head = (await varve.call('GET', '/v1/status')).body.revision;
});
afterAll(() => varve.stop());

/** Changes that the rules take at most points; times of a random history would be past by now. */
const draft = fc.constantFrom(
  { type: 'setOverride', key: modelKey, scope: 'global', value: modelIds[1], allowUnlisted: true },
  { type: 'setOverride', key: modelKey, scope: 'user:u', value: modelIds[2], allowUnlisted: true },
  { type: 'setOverride', key: modelKey, scope: 'tier:1', value: modelIds[0], effectiveFrom: future },
  { type: 'clearOverride', key: stringKey, scope: 'tenant:t' },
  { type: 'changePrice', id: modelIds[0], pricing: { input: '0.123456789012345678' } },
  { type: 'changePrice', id: modelIds[1], pricing: { input: '7' }, effectiveFrom: future },
  { type: 'addModel', model: { id: modelIds[2], name: 'c', contextWindow: 2 }, upsert: true },
  { type: 'deprecateModel', id: modelIds[1], successor: modelIds[0], sunsetAt: future },
  { type: 'retireKey', key: stringKey },
  {
    type: 'setOverride',
    key: stringKey,
    scope: 'global',
    allocation: { unit: 'user', share: 1, arms: [{ name: 'one', value: 'a', weight: 1 }] },
  },
);

/** The same, again and again with something new to say. */
const scope = fc.constantFrom('global', 'tier:1', 'tenant:t', 'user:u');
const news = fc.oneof(
  draft.filter(({ type }) => type !== 'retireKey'),
  fc.tuple(scope, fc.nat(1_000)).map(([where, number]) => {
    return { type: 'setOverride', key: stringKey, scope: where, value: `value ${number}` };
  }),
  fc.tuple(scope, fc.constantFrom(...modelIds)).map(([where, value]) => {
    return { type: 'setOverride', key: modelKey, scope: where, value, allowUnlisted: true };
  }),
  fc.nat(1_000).map((input) => ({ type: 'changePrice', id: modelIds[0], pricing: { input } })),
);

const world = fc.record(
  {
    asOf: fc.nat(1_000).map((number) => 5 + (number % (head - 4))),
    at: fc.constantFrom(future, past, ...moments.slice(4, 6).map(formatInstant)),
    arm: fc.constantFrom('one', 'two'),
    changes: fc.array(draft, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);

async function compare(left: object, right: object) {
  const answer = await varve.call('POST', '/v1/compare', { left, right, usage });
  expect([200, 400, 422]).toContain(answer.status);
  return answer;
}

test('a world compared with itself is zero', { timeout: 120_000 }, async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const { status, body } = await compare(one, one);
      if (status !== 200) return;
      compared += 1;
      expect(body).toMatchObject({ diff: { items: [], isComplete: true }, resolutions: [] });
      expect(body.cost).toMatchObject({ difference: '0', modelDiffers: 0 });
      expect(body.cost.left).toBe(body.cost.right);
      expect(body.cost.records).toBe(3 * contexts.length);
    }),
    { numRuns: 80 },
  );
  expect(compared).toBeGreaterThan(20);
  expect(head).toBeGreaterThan(50);
});

test('swapped worlds swap the sides and turn the signs', { timeout: 120_000 }, async () => {
  let differing = 0;
  await fc.assert(
    fc.asyncProperty(world, world, async (left, right) => {
      const there = await compare(left, right);
      const back = await compare(right, left);
      expect(back.status).toBe(there.status);
      if (there.status !== 200) return;
      expect(back.body.diff).toEqual({
        ...there.body.diff,
        items: there.body.diff.items.map(({ before, after, ...same }: Change) => ({
          ...same,
          before: after,
          after: before,
        })),
      });
      expect(back.body.resolutions).toEqual(there.body.resolutions.map(swapped));
      expect(back.body.cost).toEqual(turned(there.body.cost));
      if (there.body.cost.difference !== '0') differing += 1;
    }),
    { numRuns: 80 },
  );
  expect(differing).toBeGreaterThan(5);
});

test('every list of costs adds up to the whole, and nothing was appended', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(world, world, async (left, right) => {
      const { status, body } = await compare(left, right);
      if (status !== 200) return;
      for (const list of lists) {
        for (const side of ['left', 'right', 'difference'] as const) {
          const amounts: readonly string[] = body.cost[list].map((item: Pair) => item[side]);
          const sum = amounts.reduce((total, amount) => total.plus(amount), new Big(0));
          expect(sum.toFixed()).toBe(body.cost[side]);
        }
      }
    }),
    { numRuns: 30 },
  );
  expect((await varve.call('GET', '/v1/status')).body.revision).toBe(head);
});

test('a point resolves as GET /v1/resolve says, whatever is remembered of it', {
  timeout: 120_000,
}, async () => {
  const nothing = { asOf: 0 };
  await fc.assert(
    fc.asyncProperty(world, fc.constantFrom(...contexts), async ({ asOf, at }, context) => {
      const point = { ...(asOf === undefined ? {} : { asOf }), ...(at === undefined ? {} : { at }) };
      const body = { left: nothing, right: point, contexts: [context] };
      const { resolutions } = (await varve.call('POST', '/v1/compare', body)).body;
      const query = new URLSearchParams({ ...context, ...textsOf(point) });
      const { values } = (await varve.call('GET', `/v1/resolve?${query.toString()}`)).body;
      const told = resolutions.map(({ key, right }: { key: string; right: object }) => [key, right]);
      expect(Object.fromEntries(told)).toEqual(values);
    }),
    { numRuns: 80 },
  );
});

test('what a draft says comes true when it is made', { timeout: 120_000 }, async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(news, { minLength: 1, maxLength: 3 }), async (changes) => {
      const { body: status } = await varve.call('GET', '/v1/status');
      const said = await compare({}, { changes });
      const write = await varve.call('POST', '/v1/changesets', { reason: 'a test', changes });
      expect(write.status === 422).toBe(said.status === 422);
      if (write.status !== 201) return;
      made += 1;
      const { body } = await compare({ asOf: status.revision, at: said.body.left.at }, {});
      expect(body.diff.items.map(withoutEvents)).toEqual(said.body.diff.items.map(withoutEvents));
      expect(body.resolutions).toEqual(said.body.resolutions);
      expect(body.cost).toEqual(said.body.cost);
    }),
    { numRuns: 30 },
  );
  expect(made).toBeGreaterThan(5);
});

function textsOf(point: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(point).map(([name, value]) => [name, String(value)]));
}

function withoutEvents({ events: _events, ...difference }: Readonly<Record<string, unknown>>) {
  return difference;
}

function swapped({ left, right, ...same }: Values) {
  return { ...same, left: right, right: left };
}

function turned(cost: Readonly<Record<string, unknown>> & Record<(typeof lists)[number], readonly Named[]>) {
  const { unpriced, modelNotRecorded, ...rest } = cost;
  return {
    ...rest,
    ...turnedPair(rest as unknown as Pair),
    unpriced: swapped(unpriced as Values),
    modelNotRecorded: swapped(modelNotRecorded as Values),
    ...Object.fromEntries(lists.map((list) => [list, cost[list].map(turnedPair)])),
  };
}

function turnedPair<P extends Pair>({ left, right, difference, ...same }: P) {
  return { ...same, left: right, right: left, difference: new Big(difference).times(-1).toFixed() };
}
