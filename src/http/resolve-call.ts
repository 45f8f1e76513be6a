/**
 * Resolution for the routes: from memory when the moment allows it, otherwise over rows of the past.
 * In: caller, clocks, keys, contexts; out: resolutions at one revision. It never mixes two states in one answer.
 */
import type { LiveState } from '../domain/live-state.ts';
import { type Resolution, resolve } from '../domain/resolve.ts';
import type { Context } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import type { Caller } from './authentication.ts';
import { type ClockQuestion, fixMoment, type Reading, readClocks } from './clocks.ts';
import type { HttpDependencies } from './dependencies.ts';
import { invalidAt } from './problem.ts';
import { maxKeysAsked } from './query-schemas.ts';

/** The most values in one answer: a slice of work that holds up other requests for about 30 ms. */
const maxValues = 20_000;

/** With a receipt a value takes more than twice as long. */
const maxReceiptedValues = 5_000;

/** What resolution needs of the read models. */
const projections = ['assertions', 'keys', 'catalogue'];

export interface Asked {
  /** All keys when it is left out. */
  readonly keys?: readonly string[];
  readonly contexts: readonly Context[];
}

/**
 * Hands the right state to `use`, which must use it at once and keep nothing of it.
 * Synchronous when no clock is asked for. Failures: invalid, unavailable.
 */
export function withState<T>(
  dependencies: HttpDependencies,
  { ledger }: Caller,
  question: ClockQuestion,
  asked: Asked,
  use: (state: LiveState, reading: Reading) => T,
): T | Promise<T> {
  const { asOf, at, minRevision } = question;
  if (asOf === undefined && at === undefined && minRevision === undefined) {
    return use(ledger.state, fixMoment({ asOf: 'head', at: 'now' }, ledger.state, dependencies.now()));
  }
  return readClocks(dependencies, ledger, question).then(async (clocks) => {
    const reading = fixMoment(clocks, ledger.state, dependencies.now());
    if (reading.isLive) return use(ledger.state, reading);
    const startedAt = dependencies.now();
    const { reads, metrics } = dependencies;
    await reads.waitFor(ledger.name, reading.asOf, projections);
    const state = await reads.stateAt(ledger.name, reading, asked.keys, asked.contexts);
    metrics.loaded((dependencies.now() - startedAt) / 1000);
    return use(state, reading);
  });
}

/** The values of keys for one context. Throws Failure `not_found` naming a key that is not defined. */
export function resolveKeys(
  state: LiveState,
  keys: readonly string[],
  context: Context,
  at: number,
  place: string,
): readonly Resolution[] {
  return keys.map((key) => {
    const resolution = resolve(state, key, context, at);
    if (resolution === undefined) throw unknownKey(key, place);
    return resolution;
  });
}

/** How many lists of keys are kept, and how long a text may be to be kept; a full house is emptied at once. */
const maxKeyLists = 64;
const maxKeptLength = 4_096;

/** By their text. Callers ask for the same keys again and again. */
const keyLists = new Map<string, readonly string[]>();

/**
 * The keys of a text that names them separated by commas; undefined when there are too many, or one twice.
 * Whether each is a key is left to the look-up: what is none is not defined.
 */
export function keyList(text: string): readonly string[] | undefined {
  const known = keyLists.get(text);
  if (known !== undefined) return known;
  const keys = text.split(',');
  if (keys.length > maxKeysAsked || new Set(keys).size < keys.length) return undefined;
  if (text.length <= maxKeptLength) {
    if (keyLists.size >= maxKeyLists) keyLists.clear();
    keyLists.set(text, keys);
  }
  return keys;
}

/** The keys to resolve: those that are asked for, otherwise every one that is defined. Failures: invalid for too many. */
export function keysOf(state: LiveState, asked: Asked, isReceipted = false): readonly string[] {
  const keys = asked.keys ?? definedKeys(state);
  const count = keys.length * asked.contexts.length;
  const most = isReceipted ? maxReceiptedValues : maxValues;
  if (count > most) {
    throw invalidAt(
      'keys',
      `${count} values at once are too many; at most ${most}, name fewer keys or contexts`,
      'too_many',
    );
  }
  return keys;
}

/** The keys that can be resolved, in no order. */
export function definedKeys(state: LiveState): readonly string[] {
  const keys: string[] = [];
  for (const { definition, retired } of state.keys()) if (!retired) keys.push(definition.key);
  return keys;
}

export function unknownKey(key: string, place: string): Failure {
  return new Failure('not_found', `the key ${key} is not defined`, {
    reason: 'unknown_key',
    details: [{ path: place, message: `the key ${key} is not defined` }],
  });
}
