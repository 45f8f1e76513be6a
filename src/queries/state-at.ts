/**
 * Question: just enough of the past that resolve() answers as it would have: definitions, assertions, models.
 * In: a moment, keys, contexts; out: a small LiveState. Two round trips, the second only for keys that hold
 * models.
 */
import { keySubject, modelSubject, overrideSubject } from '../domain/event.ts';
import type { JsonValue } from '../domain/json.ts';
import { LiveState } from '../domain/live-state.ts';
import { valuesOf } from '../domain/model-uses.ts';
import type { Moment } from '../domain/questions.ts';
import { type Context, type Scope, scopesOf } from '../domain/scope.ts';
import { assertionsAt, groupByPair } from './assertions-at.ts';
import { definitionsAt, keyStateOf } from './definitions-at.ts';
import { modelsAt } from './models-at.ts';
import type { Database } from './rows-of.ts';

/**
 * A state for resolve() at `moment.at` and not before. Its overrides have version 0 and its models no prices:
 * it is for resolving alone.
 * Failures: `limited` for all keys of a ledger with more than 10,000.
 */
export async function stateAt(
  database: Database,
  ledger: string,
  moment: Moment,
  keys: readonly string[] | undefined,
  contexts: readonly Context[],
): Promise<LiveState> {
  const scopes = new Set<Scope>(contexts.flatMap(scopesOf));
  const [definitions, assertions] = await Promise.all([
    definitionsAt(database, ledger, moment.asOf, keys),
    assertionsAt(database, ledger, moment, keys, [...scopes]),
  ]);
  const state = new LiveState();
  state.revision = moment.asOf;
  state.recordedAt = moment.at;
  const modelIds = new Set<string>();
  for (const row of definitions) {
    state.put(keySubject(row.key), keyStateOf(row));
    if (row.definition.valueType === 'model') addText(modelIds, row.definition.fallback);
  }
  for (const { key, scope, assertions: ofPair } of groupByPair(assertions)) {
    state.put(overrideSubject(key, scope), { version: 0, assertions: ofPair });
    if (state.key(key)?.definition.valueType !== 'model') continue;
    for (const value of ofPair.flatMap(valuesOf)) addText(modelIds, value);
  }
  for (const model of await modelsAt(database, ledger, moment.asOf, [...modelIds])) {
    state.put(modelSubject(model.id), { ...model, prices: [] });
  }
  return state;
}

function addText(texts: Set<string>, value: JsonValue): void {
  if (typeof value === 'string') texts.add(value);
}
