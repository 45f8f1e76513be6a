/**
 * Deciders of keys: define, retire. A key's type is for ever; what else its definition says may change as long as
 * the values that stand still fit.
 */
import type { ChangeOf } from './change.ts';
import { type Circumstances, type Decision, decided, refuse, unchanged } from './decision.ts';
import type { KeyDefinition } from './event.ts';
import { equal } from './field-changes.ts';
import type { JsonValue } from './json.ts';
import type { View } from './live-state.ts';
import { valuesOf } from './model-uses.ts';
import { scopeKinds, splitScope } from './scope.ts';
import type { KeyState } from './subject-state.ts';
import { admitValue, fits, refuseUnoffered } from './value-rules.ts';
import { admitSchema } from './value-schema.ts';

export function decideDefineKey(view: View, change: ChangeOf<'defineKey'>, { now }: Circumstances): Decision {
  const { type: _type, allowUnlisted = false, fallback, ...rest } = change;
  const before = view.key(change.key);
  if (before !== undefined && before.definition.valueType !== change.valueType) {
    throw refuse(
      'type_is_for_ever',
      `${change.key} is of type ${before.definition.valueType}; define another key for another type`,
    );
  }
  if (rest.schema !== undefined) admitSchema(rest.schema);
  if (rest.defaultProvider !== undefined && change.valueType !== 'model') {
    throw refuse('no_model', `${change.key} holds no models: defaultProvider has no meaning`);
  }
  const kept = admitFallback(view, rest, fallback, before?.definition, { now, allowUnlisted });
  const definition: KeyDefinition = { ...rest, ...inOrder(rest.scopes), fallback: kept };
  if (before !== undefined && !before.retired && equal(asJson(before.definition), asJson(definition))) {
    return unchanged(`${change.key} is defined so already`);
  }
  const standing = before === undefined ? 0 : admitStanding(view, before, definition, now);
  const isBack = before?.retired === true && standing > 0;
  return decided(
    { type: 'KeyDefined', data: definition },
    isBack
      ? [{ code: 'overrides_return', message: `${standing} overrides of ${change.key} count again` }]
      : [],
  );
}

export function decideRetireKey(view: View, change: ChangeOf<'retireKey'>, { now }: Circumstances): Decision {
  const before = view.key(change.key);
  if (before === undefined) throw refuse('unknown_key', `the key ${change.key} is not defined`);
  if (before.retired) return unchanged(`${change.key} is retired already`);
  const standing = countStanding(view, change.key, now);
  return decided(
    { type: 'KeyRetired', data: { key: change.key } },
    standing > 0
      ? [{ code: 'overrides_stand', message: `${standing} overrides of ${change.key} are no longer asked` }]
      : [],
  );
}

/** The kinds of scope each once, in the order in which they are asked: another order means the same. */
function inOrder(scopes: KeyDefinition['scopes']): Pick<KeyDefinition, 'scopes'> {
  return scopes === undefined ? {} : { scopes: scopeKinds.filter((kind) => scopes.includes(kind)) };
}

/** A fallback that stays is not asked again whether its model is still offered: it may be deprecated by now. */
function admitFallback(
  view: View,
  definition: Omit<KeyDefinition, 'fallback'>,
  fallback: JsonValue,
  before: KeyDefinition | undefined,
  options: { readonly now: number; readonly allowUnlisted: boolean },
): JsonValue {
  const kept = admitValue(view, definition, fallback);
  const stays = before !== undefined && equal(before.fallback, kept);
  if (!options.allowUnlisted && !stays) refuseUnoffered(view, definition, [kept], options.now);
  return kept;
}

/** Looks at the values that stand only if the definition may no longer fit them, or they count again: how many. */
function admitStanding(view: View, before: KeyState, definition: KeyDefinition, now: number): number {
  return asksAnew(before, definition) ? refuseMisfits(view, definition, now) : 0;
}

/** Whether values that stand must be looked at again: the rules for them are others, or they count again. */
export function asksAnew(before: KeyState, definition: KeyDefinition): boolean {
  const rules = ({ schema, scopes }: KeyDefinition) => [
    schema ?? null,
    scopes === undefined ? null : [...scopes],
  ];
  return before.retired || !equal(rules(before.definition), rules(definition));
}

/** Refuses a definition that values in force or scheduled do not satisfy; answers how many stand. */
export function refuseMisfits(view: View, definition: KeyDefinition, now: number): number {
  let standing = 0;
  const misfits: string[] = [];
  for (const [scope, { assertions }] of view.overridesOf(definition.key)) {
    const values = assertions.filter(({ until }) => until > now).flatMap(valuesOf);
    if (values.length === 0) continue;
    standing++;
    const isAllowed = definition.scopes === undefined || definition.scopes.includes(splitScope(scope).kind);
    if (isAllowed && values.every((value) => fits(definition, value))) continue;
    misfits.push(scope);
    if (misfits.length >= 5) break;
  }
  if (misfits.length > 0) {
    throw refuse(
      'overrides_do_not_fit',
      `overrides of ${definition.key} do not fit the new definition: ${misfits.join(', ')}; change or clear them first`,
    );
  }
  return standing;
}

/** How many scopes say something about a key, now or later. */
export function countStanding(view: View, key: string, now: number): number {
  let standing = 0;
  for (const [, { assertions }] of view.overridesOf(key)) {
    if (assertions.some((assertion) => assertion.until > now && assertion.kind !== 'cleared')) standing++;
  }
  return standing;
}

const asJson = (definition: KeyDefinition) => definition as unknown as JsonValue;
