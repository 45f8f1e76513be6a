/** The moment until which an answer is valid: the first at which it differs, neither sooner nor later. */
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { resolve } from '../../src/domain/resolve.ts';
import type { Context } from '../../src/domain/scope.ts';
import { allocationSet, keyDefined, overrideCleared, overrideSet } from '../support/drafts.ts';
import { day, dayAt, fold, now } from '../support/specification.ts';

const key = 'app.greeting';
const everybody: Context = { user: 'u', tenant: 'acme', tier: '3' };

const answer = (events: readonly EventBody[], context: Context = {}, at: number = now) =>
  resolve(fold(...events), key, context, at);

describe('validUntil', () => {
  const later = (days: number) => ({ effectiveFrom: day(days) });

  test('is the next start or end in a layer that is asked', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'a', { effectiveUntil: day(9) }),
      overrideSet(key, 'tier:3', 'b', { effectiveFrom: day(5), effectiveUntil: day(6) }),
    ];
    expect(answer(events)?.validUntil).toBe(dayAt(9));
    expect(answer(events, { tier: '3' })?.validUntil).toBe(dayAt(5));
    expect(answer(events, { tier: '3' }, dayAt(5))?.validUntil).toBe(dayAt(6));
    expect(answer(events, { tier: '3' }, dayAt(6))?.validUntil).toBe(dayAt(9));
    expect(answer(events, { tier: '3' }, dayAt(9))?.validUntil).toBe(forever);
  });

  test('is not moved by what changes behind the answer', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'user:u', 'mine'),
      overrideSet(key, 'global', 'b', later(1)),
      overrideSet(key, 'user:u', 'mine later', later(7)),
    ];
    expect(answer(events, everybody)?.validUntil).toBe(dayAt(7));
  });

  test('is not moved by a clear above a clear, or a share of nobody', () => {
    const arms = [{ name: 'a', value: 'x', weight: 1 }];
    const events = [
      keyDefined(key),
      overrideCleared(key, 'user:u', later(1)),
      allocationSet(key, 'tier:3', { unit: 'user', share: 0, salt: 's', arms }, later(2)),
      overrideSet(key, 'global', 'b', later(3)),
    ];
    expect(answer(events, everybody)?.validUntil).toBe(dayAt(3));
  });

  test('is the same value of another event too: the answer names its revision', () => {
    const events = [
      keyDefined(key),
      overrideSet(key, 'global', 'a'),
      overrideSet(key, 'global', 'a', later(1)),
    ];
    expect(answer(events)?.validUntil).toBe(dayAt(1));
  });

  test('is never after the next change, however many boundaries there are', () => {
    const behind = Array.from({ length: 100 }, (_, n) => overrideSet(key, 'global', `${n}`, later(n + 1)));
    const events = [
      keyDefined(key),
      overrideSet(key, 'user:u', 'mine', { effectiveUntil: day(100.5) }),
      ...behind,
    ];
    const validUntil = answer(events, everybody)?.validUntil ?? 0;
    expect(validUntil).toBeGreaterThan(dayAt(50));
    expect(validUntil).toBeLessThanOrEqual(dayAt(100.5));
  });
});
