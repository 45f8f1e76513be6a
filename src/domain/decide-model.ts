/**
 * Deciders of what the catalogue says about a model: add (or bring to a given shape), update.
 * A price inside an update becomes a price change of its own, because prices have a clock of their own.
 */
import type { ChangeOf } from './change.ts';
import { decideChangePrice } from './decide-price.ts';
import { type Circumstances, type Decision, decided, refuse, unchanged } from './decision.ts';
import type { EventBody, ModelStatus } from './event.ts';
import { formatInstant } from './instant.ts';
import type { View } from './live-state.ts';
import { observedIn, standingModel } from './model-lookup.ts';
import { readModelReference } from './model-reference.ts';
import { updated, updatesTo } from './model-updates.ts';
import { applyPricing } from './pricing.ts';
import { type ModelState, statusAt } from './subject-state.ts';

export function decideAddModel(
  view: View,
  change: ChangeOf<'addModel'>,
  circumstances: Circumstances,
): Decision {
  const { id: spelling, provider, pricing, status = 'active', ...fields } = change.model;
  // A new provider is named by its first model; a colon also stands in names (`llama3:8b` of the provider `ollama`).
  const namesProvider = provider === undefined || spelling[spelling.search(/[/:]/)] === '/';
  const reference = readModelReference(
    spelling,
    provider,
    (name) => namesProvider || view.knowsProvider(name),
  );
  if ('problem' in reference) throw refuse('unclear_model', reference.problem);
  const { id } = reference;
  if (provider !== undefined && !id.startsWith(`${provider}/`)) {
    throw refuse('other_provider', `the id ${id} does not belong to the provider ${provider}`);
  }
  const before = view.model(id);
  if (before !== undefined && before.status !== 'removed') {
    if (change.upsert === true) return bringTo(view, before, change, circumstances);
    throw refuse('model_exists', `the model ${id} is in the catalogue already; update it`);
  }
  const named = pricing === undefined ? {} : applyPricing({}, pricing);
  return decided({
    type: 'ModelAdded',
    data: {
      id,
      model: { ...fields, status },
      ...(Object.keys(named).length === 0 ? {} : { pricing: named }),
      ...observedIn(change),
    },
  });
}

export function decideUpdateModel(
  view: View,
  change: ChangeOf<'updateModel'>,
  circumstances: Circumstances,
): Decision {
  const model = standingModel(view, change.id);
  const { pricing, ...updates } = change.updates;
  if (updates.status !== undefined && model.status !== 'active' && model.status !== 'beta') {
    throw refuse('not_current', `${model.id} is ${model.status}; reinstate it first`);
  }
  const own = updated(model, updates, change);
  const price =
    pricing === undefined
      ? undefined
      : decideChangePrice(
          view,
          { type: 'changePrice', id: model.id, pricing, ...observedIn(change) },
          circumstances,
        );
  const events = [...own, ...(price?.events ?? [])];
  if (events.length === 0) return unchanged(`${model.id} is so already`);
  return { events, warnings: price === undefined || price.events.length === 0 ? [] : price.warnings };
}

/** The events that make a standing model just what is given: for imports, where the source is the truth. */
function bringTo(
  view: View,
  model: ModelState,
  change: ChangeOf<'addModel'>,
  circumstances: Circumstances,
): Decision {
  const { id: _id, provider: _provider, pricing, status = 'active', ...fields } = change.model;
  const events: EventBody[] = [];
  const stage = stageEvent(model, status, change, circumstances.now);
  if (stage !== undefined) events.push(stage);
  const isCurrent = status === 'active' || status === 'beta';
  const standing: ModelState['status'] = stage !== undefined && isCurrent ? 'active' : model.status;
  const updates = { ...updatesTo(model, fields), ...(isCurrent && status !== standing ? { status } : {}) };
  events.push(...updated({ ...model, status: standing }, updates, change));
  if (pricing !== undefined) {
    const priced = { type: 'changePrice', id: model.id, pricing, ...observedIn(change) } as const;
    const price = decideChangePrice(view, priced, circumstances);
    events.push(...price.events);
    if (price.events.length > 0) return { events, warnings: price.warnings };
  }
  return events.length > 0 ? { events, warnings: [] } : unchanged(`${model.id} is so already`);
}

/** The event that brings a model to the wanted stage of its life; undefined when it is there. */
function stageEvent(
  model: ModelState,
  wanted: ModelStatus,
  change: ChangeOf<'addModel'>,
  now: number,
): EventBody | undefined {
  const data = { id: model.id, ...observedIn(change) };
  const isCurrent = model.status === 'active' || model.status === 'beta';
  switch (wanted) {
    case 'active':
    case 'beta':
      return isCurrent ? undefined : { type: 'ModelReinstated', data };
    case 'deprecated':
      return model.status === 'deprecated' ? undefined : { type: 'ModelDeprecated', data };
    case 'retired': {
      if (statusAt(model, now) === 'retired') return undefined;
      const successor = model.successor === undefined ? {} : { successor: model.successor };
      return { type: 'ModelDeprecated', data: { ...data, ...successor, sunsetAt: formatInstant(now) } };
    }
    default:
      return wanted satisfies never;
  }
}
