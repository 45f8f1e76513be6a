/** Laws of resolution, on random histories: the naive reading of all events, and the first moment that differs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import { type Resolution, resolve, valueAt } from '../../src/domain/resolve.ts';
import { naiveResolve } from '../support/naive-resolver.ts';
import {
  anyChange,
  contexts,
  historyOf,
  modelKey,
  moments,
  play,
  stringKey,
} from '../support/random-histories.ts';

describe('on random histories', () => {
  const historyAndEnd = historyOf(anyChange, 4);

  test('every answer from now on is that of the naive reading of all events', () => {
    fc.assert(
      fc.property(historyAndEnd, (steps) => {
        const { events, state, now: end } = play(steps);
        for (const at of moments.filter((moment) => moment >= end)) {
          for (const context of contexts) {
            for (const of of [stringKey, modelKey]) {
              const real = resolve(state, of, context, at);
              expect(summary(real)).toStrictEqual(naiveResolve(events, of, context, at));
              expect(valueAt(state, of, context, at)).toBe(real?.value);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('validUntil is the first moment at which the answer differs', () => {
    fc.assert(
      fc.property(historyAndEnd, (steps) => {
        const { state, now: end } = play(steps);
        for (const context of contexts) {
          for (const of of [stringKey, modelKey]) {
            for (const at of moments.filter((moment) => moment >= end)) {
              const is = resolve(state, of, context, at);
              if (is === undefined) continue;
              const { validUntil, ...answered } = is;
              const next = moments.find(
                (moment) => moment > at && !sameAs(answered, resolve(state, of, context, moment)),
              );
              expect(validUntil).toBe(next ?? forever);
              if (next !== undefined) expect(resolve(state, of, context, next - 1)).toStrictEqual(is);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

function summary(answered: Resolution | undefined) {
  if (answered === undefined) return undefined;
  const { scope, value, revision, arm, model } = answered;
  const naive = { scope, value, revision, ...(arm === undefined ? {} : { arm }) };
  return model === undefined ? naive : { ...naive, status: model.status };
}

function sameAs(answered: Omit<Resolution, 'validUntil'>, other: Resolution | undefined): boolean {
  if (other === undefined) return false;
  const { validUntil: _, ...rest } = other;
  return JSON.stringify(answered) === JSON.stringify(rest);
}
