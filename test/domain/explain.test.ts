/**
 * Explaining layers: each outcome by example, and the law that the layer that has won is the one that resolve chooses.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketOf } from '../../src/domain/allocation.ts';
import { forever } from '../../src/domain/assertion.ts';
import { explainLayers } from '../../src/domain/explain.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import { type Context, type Scope, scopesOf } from '../../src/domain/scope.ts';
import type { OverrideAssertion } from '../../src/domain/subject-state.ts';

const now = 1_000;

const says = (value: number, from = 0, until = forever, revision = value): OverrideAssertion => ({
  kind: 'value',
  value,
  from,
  until,
  revision,
});
const cleared = (revision: number, from = 0, until = forever): OverrideAssertion => ({
  kind: 'cleared',
  value: null,
  from,
  until,
  revision,
});
const tries = (share: number, unit: 'user' | 'tenant' = 'user', revision = 9): OverrideAssertion => ({
  kind: 'allocation',
  value: { unit, share, salt: 's', arms: [{ name: 'a', value: 7, weight: 1 }] },
  from: 0,
  until: forever,
  revision,
});

function outcomes(layers: Partial<Record<Scope, readonly OverrideAssertion[]>>, at = now) {
  const context = { user: 'u', tenant: 't', tier: '3' };
  return explainLayers((scope) => layers[scope] ?? [], context, at).map(
    ({ scope, outcome, value, assertion }) => [scope, outcome, value, assertion?.revision],
  );
}

describe('outcomes', () => {
  test('nothing was ever said', () => {
    expect(outcomes({})).toEqual([
      ['user:u', 'unset', undefined, undefined],
      ['tenant:t', 'unset', undefined, undefined],
      ['tier:3', 'unset', undefined, undefined],
      ['global', 'unset', undefined, undefined],
    ]);
  });

  test('the narrowest that answers has won, wider ones have lost', () => {
    expect(outcomes({ 'tenant:t': [says(2)], 'tier:3': [says(3)], global: [says(4)] })).toEqual([
      ['user:u', 'unset', undefined, undefined],
      ['tenant:t', 'won', 2, 2],
      ['tier:3', 'lost', 3, 3],
      ['global', 'lost', 4, 4],
    ]);
  });

  test('cleared, expired and scheduled layers let the next one answer', () => {
    expect(
      outcomes({
        'user:u': [says(1), cleared(5, 500)],
        'tenant:t': [says(2, 0, 900)],
        'tier:3': [says(3, 2_000)],
        global: [says(4)],
      }),
    ).toEqual([
      ['user:u', 'cleared', undefined, 5],
      ['tenant:t', 'expired', 2, 2],
      ['tier:3', 'scheduled', 3, 3],
      ['global', 'won', 4, 4],
    ]);
  });

  test('of what is over the last is told, of what is to come the next, and what is to come before what is over', () => {
    expect(outcomes({ 'user:u': [says(1, 0, 100), says(2, 50, 300), says(3, 0, 200)] })[0]).toEqual([
      'user:u',
      'expired',
      2,
      2,
    ]);
    expect(outcomes({ 'user:u': [says(1, 3_000), says(2, 2_000)] })[0]).toEqual([
      'user:u',
      'scheduled',
      2,
      2,
    ]);
    expect(outcomes({ 'user:u': [says(1, 0, 100), says(2, 2_000)] })[0]).toEqual([
      'user:u',
      'scheduled',
      2,
      2,
    ]);
  });

  test('an allocation answers for who is in its share, and not without its unit', () => {
    expect(outcomes({ 'user:u': [tries(10_000)] })[0]).toEqual(['user:u', 'won', 7, 9]);
    expect(outcomes({ 'user:u': [tries(0)], global: [says(4)] })).toEqual([
      ['user:u', 'outside', undefined, 9],
      ['tenant:t', 'unset', undefined, undefined],
      ['tier:3', 'unset', undefined, undefined],
      ['global', 'won', 4, 4],
    ]);
    const layers = explainLayers(() => [tries(10_000)], {}, now);
    expect(layers.map(({ outcome }) => outcome)).toEqual(['outside']);
  });

  test('the bucket of the unit is told of an allocation in force, whatever comes of it, if the unit is told', () => {
    const bucket = bucketOf('s', 'u');
    const told = (
      layers: Partial<Record<Scope, readonly OverrideAssertion[]>>,
      context: Context = { user: 'u' },
    ) =>
      explainLayers((scope) => layers[scope] ?? [], context, now).map((layer) => [
        layer.outcome,
        layer.bucket,
      ]);
    expect(told({ 'user:u': [tries(10_000)], global: [tries(10_000)] })).toEqual([
      ['won', bucket],
      ['lost', bucket],
    ]);
    expect(told({ global: [tries(bucket)] })[1]).toEqual(['outside', bucket]);
    expect(told({ global: [tries(bucket + 1)] })[1]).toEqual(['won', bucket]);
    expect(told({ global: [tries(10_000)] }, {})).toEqual([['outside', undefined]]);
    expect(told({ global: [tries(10_000, 'tenant')] }, { tenant: 't' })[1]).toEqual([
      'won',
      bucketOf('s', 't'),
    ]);
    expect(told({ global: [says(1)] })[1]).toEqual(['won', undefined]);
  });

  test('an end is exclusive, a start is not', () => {
    expect(outcomes({ global: [says(4, 0, now)] })[3]?.[1]).toBe('expired');
    expect(outcomes({ global: [says(4, now)] })[3]?.[1]).toBe('won');
  });
});

const assertionArbitrary = fc.record({
  kind: fc.constantFrom('value', 'cleared', 'allocation'),
  from: fc.integer({ min: 0, max: 6 }),
  length: fc.integer({ min: 1, max: 7 }),
  share: fc.constantFrom(0, 5_000, 10_000),
});

test('the layer that has won is the one that resolve chooses', () => {
  const scopes = ['user:u', 'tenant:t', 'tier:3', 'global'] as const;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...scopes), assertionArbitrary), { maxLength: 12 }),
      fc.integer({ min: 0, max: 14 }),
      fc.record(
        { user: fc.constant('u'), tenant: fc.constant('t'), tier: fc.constant('3') },
        { requiredKeys: [] },
      ),
      (said, at, context) => {
        const layers = new Map<Scope, OverrideAssertion[]>();
        for (const [index, [scope, { kind, from, length, share }]] of said.entries()) {
          const interval = { from, until: length === 7 ? forever : from + length, revision: index + 2 };
          const statement =
            kind === 'value'
              ? says(index)
              : kind === 'cleared'
                ? cleared(0)
                : tries(share, index % 2 === 0 ? 'user' : 'tenant');
          layers.set(scope, [...(layers.get(scope) ?? []), { ...statement, ...interval }]);
        }
        const state = new LiveState();
        const definition = { key: 'k', valueType: 'integer', fallback: -1 } as const;
        state.put('key:k', { version: 1, revision: 1, definition, retired: false });
        for (const [scope, list] of layers) {
          const assertions = list.toSorted(
            (one, other) => one.from - other.from || one.revision - other.revision,
          );
          state.put(`override:k@${scope}`, { version: 1, assertions });
        }
        const resolution = resolve(state, 'k', context, at);
        const explained = explainLayers((scope) => layers.get(scope) ?? [], context, at);
        expect(explained.map(({ scope }) => scope)).toEqual(scopesOf(context));
        const won = explained.filter(({ outcome }) => outcome === 'won');
        expect(won.length).toBe(resolution?.scope === 'fallback' ? 0 : 1);
        const [layer] = won;
        if (layer === undefined) return;
        expect({ ...layer, assertion: layer.assertion?.revision }).toMatchObject({
          scope: resolution?.scope,
          value: resolution?.value,
          assertion: resolution?.revision,
        });
      },
    ),
    { numRuns: 500 },
  );
});
