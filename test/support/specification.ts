/**
 * Deciders, specified: given events, when changes, then exactly these events, whole and in order, with exactly these
 * warnings; or this refusal. In the manner of emmett's DeciderSpecification, whose `then` compares less.
 * Changes go through their schemas first, so no specification is about a change that nobody can send.
 */
import { expect } from 'vitest';
import { type AnyChange, changeSchema } from '../../src/domain/change.ts';
import { type DecidedChangeset, decideAll } from '../../src/domain/decide.ts';
import type { EventBody, Source } from '../../src/domain/event.ts';
import { formatInstant, parseInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** The moment at which changes are decided unless a specification says otherwise, epoch milliseconds. */
export const now = Date.UTC(2026, 2, 1, 12);

/** Given events are recorded a minute apart from here on: revision 1 at this moment, 59 days before `now`. */
export const firstRecordedAt = now - 59 * dayMs;

/** RFC 3339 of a moment so many days after `now`. */
export const day = (days: number): string => formatInstant(now + days * dayMs);

/** The same in epoch milliseconds. */
export const dayAt = (days: number): number => now + days * dayMs;

export interface Circumstances {
  /** RFC 3339; `now` when it is left out. */
  readonly now?: string;
  readonly source?: Source;
}

/** The live state after these events, at revisions 1 … n. */
export function fold(...events: readonly EventBody[]): LiveState {
  const state = new LiveState();
  for (const [index, body] of events.entries()) {
    const recordedAt = formatInstant(firstRecordedAt + index * minuteMs);
    state.apply({ ...body, revision: index + 1, recordedAt });
  }
  return state;
}

export interface Given {
  when(changes: AnyChange | readonly AnyChange[], circumstances?: Circumstances): Outcome;
}

export interface Outcome {
  /** Exactly these events, whole and in order, and warnings of exactly these codes, in order. */
  then(events: readonly EventBody[], warnings?: readonly string[]): void;
  /** No event, and warnings of exactly these codes. */
  thenNothing(warnings?: readonly string[]): void;
  /** Refused for this reason; `path` names the change. */
  thenRefused(reason: string, path?: string): void;
  /** Invalid in exactly this place. */
  thenInvalid(path: string): void;
  /** What was decided, for what events do not show. */
  decided(): DecidedChangeset;
}

export function given(...events: readonly EventBody[]): Given {
  return {
    when: (changes, circumstances = {}) => outcomeOf(fold(...events), [changes].flat(), circumstances),
  };
}

function outcomeOf(view: LiveState, changes: readonly AnyChange[], circumstances: Circumstances): Outcome {
  const at = circumstances.now === undefined ? now : (parseInstant(circumstances.now) ?? Number.NaN);
  const parsed = changes.map(parse);
  const decided = () => decideAll(view, parsed, at, circumstances.source ?? 'api');
  const outcome: Omit<Outcome, 'then'> & { then?: Outcome['then'] } = {
    thenNothing: (warnings = ['no_change']) => expectDecision(view, decided, [], warnings),
    thenRefused(reason, path = 'changes.0') {
      const failure = failureOf(decided);
      expect({ code: failure.code, reason: failure.reason }).toStrictEqual({ code: 'refused', reason });
      expect(failure.details.map((detail) => detail.path)).toStrictEqual([path]);
      expect(failure.message).not.toBe('');
    },
    thenInvalid(path) {
      const failure = failureOf(decided);
      expect(failure.code).toBe('invalid');
      expect(failure.details.map((detail) => detail.path)).toStrictEqual([path]);
    },
    decided,
  };
  const then: Outcome['then'] = (events, warnings = []) => expectDecision(view, decided, events, warnings);
  // oxlint-disable-next-line unicorn/no-thenable -- given, when, then is the form; nobody awaits a specification
  return Object.assign(outcome, { then });
}

function parse(change: AnyChange): AnyChange {
  switch (change.type) {
    case 'createApiKey':
    case 'revokeApiKey':
    case 'createWebhook':
    case 'removeWebhook':
    case 'createLedger':
    case 'restore':
      return change;
    default:
      return changeSchema.parse(change);
  }
}

function expectDecision(
  view: LiveState,
  decide: () => DecidedChangeset,
  events: readonly EventBody[],
  warnings: readonly string[],
): void {
  const head = view.revision;
  const decided = decide();
  expect(decided.events.map(({ body }) => body)).toStrictEqual(events);
  expect(decided.warnings.map(({ code }) => code)).toStrictEqual(warnings);
  expect(decided.events.map(({ revision }) => revision)).toStrictEqual(
    events.map((_, index) => head + index + 1),
  );
  for (const { message, path } of decided.warnings) {
    expect(message).not.toBe('');
    expect(path).toMatch(/^changes\.\d+$/);
  }
  // Deciding changes nothing, so that it comes to the same again.
  expect(view.revision).toBe(head);
  expect(decide().events).toStrictEqual(decided.events);
}

function failureOf(decide: () => DecidedChangeset): Failure {
  let decided: DecidedChangeset;
  try {
    decided = decide();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`expected a failure, not ${JSON.stringify(decided.events.map(({ body }) => body))}`);
}
