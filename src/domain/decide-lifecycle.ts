/**
 * Deciders of a model's life: deprecate, reinstate, remove. Sunsets are data: from the sunset on a model is retired
 * without anything having to fire. Chains of successors have no cycles.
 */
import type { ChangeOf } from './change.ts';
import { type Circumstances, type Decision, decided, refuse, unchanged } from './decision.ts';
import { parseInstant } from './instant.ts';
import type { View } from './live-state.ts';
import { observedIn, standingModel } from './model-lookup.ts';
import { usesOf } from './model-uses.ts';
import { type ModelState, statusAt } from './subject-state.ts';

export function decideDeprecateModel(
  view: View,
  change: ChangeOf<'deprecateModel'>,
  { now }: Circumstances,
): Decision {
  const model = standingModel(view, change.id);
  const successor = change.successor === undefined ? undefined : standingModel(view, change.successor);
  if (successor !== undefined) refuseCycle(view, model.id, successor);
  const sunsetAt = change.sunsetAt === undefined ? undefined : parseInstant(change.sunsetAt);
  if (model.status === 'deprecated' && model.successor === successor?.id && model.sunsetAt === sunsetAt) {
    return unchanged(`${model.id} is deprecated so already`);
  }
  const users = usesOf(view, model.id, now, 5);
  return decided(
    {
      type: 'ModelDeprecated',
      data: {
        id: model.id,
        ...(successor === undefined ? {} : { successor: successor.id }),
        ...(change.sunsetAt === undefined ? {} : { sunsetAt: change.sunsetAt }),
        ...observedIn(change),
      },
    },
    users.length > 0
      ? [{ code: 'still_used', message: `${model.id} is still used: ${users.join(', ')}` }]
      : [],
  );
}

export function decideReinstateModel(view: View, change: ChangeOf<'reinstateModel'>): Decision {
  const model = standingModel(view, change.id);
  if (model.status !== 'deprecated' && model.status !== 'retired') {
    return unchanged(`${model.id} is ${model.status}`);
  }
  return decided({ type: 'ModelReinstated', data: { id: model.id, ...observedIn(change) } });
}

export function decideRemoveModel(
  view: View,
  change: ChangeOf<'removeModel'>,
  circumstances: Circumstances,
): Decision {
  const model = standingModel(view, change.id);
  const users = usesOf(view, model.id, circumstances.now, 5);
  if (users.length === 0)
    return decided({ type: 'ModelRemoved', data: { id: model.id, ...observedIn(change) } });
  const used = `${model.id} is used: ${users.join(', ')}`;
  if (change.orRetireAt === undefined) {
    throw refuse('model_in_use', `${used}; deprecate it with a sunset, or change what stands on it first`);
  }
  const warnings = [{ code: 'retired_instead', message: used }];
  // Who is retired already stays so: another sunset could only bring it back.
  if (statusAt(model, circumstances.now) === 'retired') return { events: [], warnings };
  const retirement = decideDeprecateModel(
    view,
    {
      type: 'deprecateModel',
      id: model.id,
      sunsetAt: change.orRetireAt,
      ...(model.successor === undefined ? {} : { successor: model.successor }),
      ...observedIn(change),
    },
    circumstances,
  );
  return { events: retirement.events, warnings };
}

function refuseCycle(view: View, id: string, successor: ModelState): void {
  const seen = new Set([id]);
  for (let next: ModelState | undefined = successor; next !== undefined; ) {
    if (seen.has(next.id)) {
      throw refuse(
        'successor_cycle',
        `${successor.id} as the successor of ${id} would lead back to ${next.id}`,
      );
    }
    seen.add(next.id);
    next = next.successor === undefined ? undefined : view.model(next.successor);
  }
}
