/** Variant and metadata of a flag: each kind of winning scope, an arm, times, models. */
import { expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import { flagMetadata, flagVariant } from '../../src/domain/flag-details.ts';
import type { Scope } from '../../src/domain/scope.ts';

test.each<[Scope | 'fallback', string]>([
  ['user:fallback', 'user'],
  ['tenant:a:b', 'tenant'],
  ['tier:3', 'tier'],
  ['global', 'global'],
  ['fallback', 'fallback'],
])('the variant of %s is %s', (scope, variant) => {
  expect(flagVariant({ scope })).toBe(variant);
});

test('an arm is a variant by its own name', () => {
  expect(flagVariant({ scope: 'tenant:acme', arm: 'treatment' })).toBe('treatment');
});

test.each([forever, null])('an answer that never changes by itself (%s) says no time', (validUntil) => {
  expect(flagMetadata({ scope: 'tier:3', revision: 7, validUntil })).toEqual({
    revision: 7,
    scope: 'tier:3',
  });
});

test('metadata is flat, with the times as RFC 3339', () => {
  const model = {
    id: 'acme/one',
    provider: 'acme',
    model: 'one',
    status: 'deprecated',
    successor: 'acme/two',
    sunsetAt: Date.UTC(2027, 0, 1),
    followed: ['acme/zero'],
  } as const;
  const validUntil = Date.UTC(2026, 6, 1);
  expect(flagMetadata({ scope: 'global', revision: 9, validUntil, model })).toEqual({
    revision: 9,
    scope: 'global',
    validUntil: '2026-07-01T00:00:00.000Z',
    modelStatus: 'deprecated',
    modelSuccessor: 'acme/two',
    modelSunsetAt: '2027-01-01T00:00:00.000Z',
  });
});
