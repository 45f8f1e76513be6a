/**
 * Updates of a model's descriptive fields: what has to be said to bring them to others, and the event that says it.
 * Shared by the deciders that change a model and by those that restore one.
 */
import type { DataOf, EventBody, ModelFields, ModelUpdates } from './event.ts';
import { equal } from './field-changes.ts';
import type { JsonValue } from './json.ts';
import { observedIn } from './model-lookup.ts';
import type { ModelState } from './subject-state.ts';

const fieldNames = [
  'name',
  'family',
  'description',
  'contextWindow',
  'outputLimit',
  'modalities',
  'capabilities',
] as const satisfies readonly Exclude<keyof ModelFields, 'extra'>[];

/** Every field as it is to be, null where there is to be none. */
export function updatesTo(model: ModelState, wanted: Partial<ModelFields>): ModelUpdates {
  const updates: { [field: string]: JsonValue } = {};
  for (const name of fieldNames) updates[name] = asJson(wanted[name] ?? null);
  const extra = wanted.extra ?? {};
  const dropped = Object.keys(model.extra ?? {}).filter((name) => !Object.hasOwn(extra, name));
  updates['extra'] = { ...extra, ...Object.fromEntries(dropped.map((name) => [name, null])) };
  return updates;
}

/** One ModelUpdated with the fields that really change, or none. */
export function updated(
  model: ModelState,
  updates: ModelUpdates,
  change: { readonly observedAt?: string },
): readonly EventBody[] {
  const changed: { [field: string]: JsonValue } = {};
  const { extra, ...fields } = updates;
  for (const [field, value] of Object.entries(fields)) {
    const before: unknown = Reflect.get(model, field);
    if (!equal(asJson(before ?? null), asJson(value))) changed[field] = asJson(value);
  }
  const extras = changedExtra(model, extra);
  if (extras !== undefined) changed['extra'] = extras;
  if (Object.keys(changed).length === 0) return [];
  const data: DataOf<'ModelUpdated'> = {
    id: model.id,
    updates: changed,
    ...observedIn(change),
  };
  return [{ type: 'ModelUpdated', data }];
}

function changedExtra(model: ModelState, extra: ModelUpdates['extra']): JsonValue | undefined {
  if (extra === undefined) return undefined;
  const before = model.extra ?? {};
  if (extra === null) return Object.keys(before).length > 0 ? null : undefined;
  const changed = Object.entries(extra).filter(
    ([name, value]) => !equal((Object.hasOwn(before, name) ? before[name] : null) ?? null, value),
  );
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

const asJson = (value: unknown) => value as JsonValue;
