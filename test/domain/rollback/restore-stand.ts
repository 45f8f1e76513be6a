/**
 * For specifications of restoring: what is to hold, as targets, and what a plan of them comes to.
 */
import { forever } from '../../../src/domain/assertion.ts';
import { decideAll } from '../../../src/domain/decide.ts';
import type { EventBody } from '../../../src/domain/event.ts';
import { parseInstant } from '../../../src/domain/instant.ts';
import type { JsonValue } from '../../../src/domain/json.ts';
import type { RestoreTarget } from '../../../src/domain/rollback/restore.ts';
import type { Scope } from '../../../src/domain/scope.ts';
import type { OverrideAssertion, PriceAssertion } from '../../../src/domain/subject-state.ts';
import { Failure } from '../../../src/failure.ts';
import { day, fold, now } from '../../support/specification.ts';

export const key = 'app.text';
export const scope: Scope = 'tenant:acme';
export const id = 'openai/gpt-4o';
export const instant = (text: string) => parseInstant(text) ?? Number.NaN;

/** What is to hold from a day (0 is now) until another. */
export function value(said: JsonValue, from: number, until?: number, revision = 1_000): OverrideAssertion {
  return { kind: 'value', value: said, revision, ...span(from, until) };
}
export const cleared = (from: number, until?: number): OverrideAssertion => ({
  kind: 'cleared',
  value: null,
  revision: 1_000,
  ...span(from, until),
});
export function price(input: string, from: number, revision = 1_000): PriceAssertion {
  return { pricing: { input }, revision, ...span(from) };
}
function span(from: number, until?: number) {
  return { from: instant(day(from)), until: until === undefined ? forever : instant(day(until)) };
}

export function override(version: number, ...wanted: readonly OverrideAssertion[]): RestoreTarget {
  return { kind: 'override', subject: `override:${key}@${scope}`, version, key, scope, wanted };
}
export const prices = (
  version: number,
  wanted: readonly PriceAssertion[],
  past?: readonly PriceAssertion[],
): RestoreTarget => ({
  kind: 'prices',
  subject: `model:${id}`,
  version,
  id,
  wanted,
  ...(past === undefined ? {} : { past }),
});

export function restoring(
  given: readonly EventBody[],
  targets: readonly RestoreTarget[],
  allowUnlisted = false,
) {
  const change = { type: 'restore', targets, allowUnlisted, conflicts: [], notes: [] } as const;
  const { events, warnings } = decideAll(fold(...given), [change], now, 'rollback');
  return { events: events.map(({ body }) => body), warnings: warnings.map(({ code, path }) => [code, path]) };
}
export const eventsOf = (given: readonly EventBody[], ...targets: readonly RestoreTarget[]) =>
  restoring(given, targets).events;

export function refusalOf(given: readonly EventBody[], targets: readonly RestoreTarget[]): Failure {
  try {
    restoring(given, targets);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}
