/**
 * Resolution as product.md says it, over all events that ever were and without any cleverness: the reference that
 * property tests hold the real one against. It never forgets, never sorts ahead and never stops early.
 */
import { chooseArm } from '../../src/domain/allocation.ts';
import { forever } from '../../src/domain/assertion.ts';
import { assertionOf, type Placed } from '../../src/domain/evolve.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import { type Context, scopesOf } from '../../src/domain/scope.ts';
import type { OverrideAssertion } from '../../src/domain/subject-state.ts';

/** All that was said of a key in a scope and not taken back, in the order in which it was recorded. */
export function saidIn(events: readonly Placed[], key: string, scope: string): readonly OverrideAssertion[] {
  const said: OverrideAssertion[] = [];
  for (const event of events) {
    if (!('scope' in event.data) || event.data.key !== key || event.data.scope !== scope) continue;
    if (event.type === 'OverrideSet' || event.type === 'OverrideCleared') said.push(assertionOf(event));
    if (event.type !== 'OverrideWithdrawn') continue;
    const { revision } = event.data;
    said.splice(
      said.findIndex((one) => one.revision === revision),
      1,
    );
  }
  return said;
}

/** Of those that cover the moment: the one that starts last; of two, the one with the higher revision. */
export function holdsAt(said: readonly OverrideAssertion[], at: number): OverrideAssertion | undefined {
  return said
    .filter(({ from, until }) => from <= at && at < until)
    .toSorted((a, b) => b.from - a.from || b.revision - a.revision)[0];
}

export interface NaiveAnswer {
  readonly scope: string;
  readonly value: JsonValue;
  readonly revision: number;
  readonly arm?: string;
  readonly status?: string;
}

/** The answer, or undefined for a key that is not defined or is retired. */
export function naiveResolve(
  events: readonly Placed[],
  key: string,
  context: Context,
  at: number,
): NaiveAnswer | undefined {
  const definition = events.findLast(
    (event) => (event.type === 'KeyDefined' || event.type === 'KeyRetired') && event.data.key === key,
  );
  if (definition?.type !== 'KeyDefined') return undefined;
  const answer = naiveLayer(events, key, context, at) ?? {
    scope: 'fallback',
    value: definition.data.fallback,
    revision: definition.revision,
  };
  if (definition.data.valueType !== 'model' || typeof answer.value !== 'string') return answer;
  return { ...answer, ...naiveModel(events, answer.value, at) };
}

function naiveLayer(
  events: readonly Placed[],
  key: string,
  context: Context,
  at: number,
): NaiveAnswer | undefined {
  for (const scope of scopesOf(context)) {
    const said = holdsAt(saidIn(events, key, scope), at);
    if (said?.kind === 'value') return { scope, value: said.value, revision: said.revision };
    if (said?.kind !== 'allocation') continue;
    const unit = context[said.value.unit];
    const arm = unit === undefined ? undefined : chooseArm(said.value, unit);
    if (arm !== undefined) return { scope, value: arm.value, revision: said.revision, arm: arm.name };
  }
  return undefined;
}

/** At most 8 successors, to the first that is not retired; without one the model itself. */
function naiveModel(
  events: readonly Placed[],
  id: string,
  at: number,
): { readonly value: string; readonly status: string } {
  let next: string | undefined = id;
  for (let step = 0; step <= 8 && next !== undefined; step++) {
    const { status, successor } = modelAt(events, next, at);
    if (step > 0 && (status === 'removed' || status === 'unlisted')) break;
    if (status !== 'retired') return { value: next, status };
    next = successor;
  }
  return { value: id, status: 'retired' };
}

function modelAt(
  events: readonly Placed[],
  id: string,
  at: number,
): { readonly status: string; readonly successor: string | undefined } {
  let status = 'unlisted';
  let successor: string | undefined;
  let sunsetAt = forever;
  for (const event of events) {
    if (!('id' in event.data) || event.data.id !== id) continue;
    if (event.type === 'ModelUpdated') status = event.data.updates.status ?? status;
    if (event.type === 'ModelAdded') status = event.data.model.status;
    if (event.type === 'ModelDeprecated') {
      status = 'deprecated';
      successor = event.data.successor;
      sunsetAt = event.data.sunsetAt === undefined ? forever : Date.parse(event.data.sunsetAt);
    }
    if (event.type !== 'ModelReinstated' && event.type !== 'ModelRemoved') continue;
    status = event.type === 'ModelRemoved' ? 'removed' : 'active';
    successor = undefined;
    sunsetAt = forever;
  }
  return { status: status === 'deprecated' && sunsetAt <= at ? 'retired' : status, successor };
}
