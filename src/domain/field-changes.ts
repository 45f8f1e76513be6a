/**
 * Field-level before and after of an event, for people: taken from immer's patches between two views of its subject.
 * Pure; used for the answer of a write and by the history projection.
 */
import { enablePatches, produceWithPatches } from 'immer';
import { forever, inForce } from './assertion.ts';
import type { EventBody } from './event.ts';
import { intervalOf, type Placed } from './evolve.ts';
import { formatInstant, parseInstant } from './instant.ts';
import type { JsonValue } from './json.ts';
import type { SubjectState } from './subject-state.ts';

enablePatches();

/** One field and its values; null stands for "not there". Nested fields are dotted: `pricing.input`. */
export interface FieldChange {
  readonly field: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
}

type FieldView = { [field: string]: JsonValue };

/** What an event changed in its subject, field by field, in the order of their names. */
export function fieldChanges(
  before: SubjectState | undefined,
  after: SubjectState,
  event: Placed,
): readonly FieldChange[] {
  const moment = momentOf(event, before);
  const from = viewOf(before, moment);
  const to = viewOf(after, moment);
  // Most events set one plain value: comparing it costs 0.5 µs, asking immer for its patches 7 µs.
  const changes = isFlat(from) && isFlat(to) ? flatChanges(from, to) : patchedChanges(from, to);
  const told = changes.filter((change) => !isEmptyPart(change));
  return told.length < 2 ? told : told.sort((a, b) => (a.field < b.field ? -1 : 1));
}

function patchedChanges(from: FieldView, to: FieldView): FieldChange[] {
  const [, patches] = produceWithPatches(from, (draft) => {
    reconcile(draft, to);
  });
  return patches.map(({ path, op, value }) => ({
    field: path.join('.'),
    before: valueAt(from, path),
    after: op === 'remove' ? null : (value as JsonValue),
  }));
}

/** The same for views without anything nested. */
function flatChanges(from: FieldView, to: FieldView): FieldChange[] {
  const fields = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...fields]
    .map((field) => ({ field, before: from[field] ?? null, after: to[field] ?? null }))
    .filter(
      ({ field, before, after }) =>
        before !== after || Object.hasOwn(from, field) !== Object.hasOwn(to, field),
    );
}

function isFlat(view: FieldView): boolean {
  return Object.values(view).every((value) => typeof value !== 'object' || value === null);
}

/** A part of a model that is there for comparing only (viewOf). */
function isEmptyPart({ field, after }: FieldChange): boolean {
  const isPart = field === 'modalities' || field === 'extra' || field === 'pricing';
  return isPart && isRecord(after) && Object.keys(after).length === 0;
}

/** The moment for which before and after are compared: when the event takes effect. */
function momentOf(event: Placed, before: SubjectState | undefined): number {
  const recordedAt = parseInstant(event.recordedAt) ?? 0;
  if (event.type === 'OverrideWithdrawn' && before !== undefined && 'assertions' in before) {
    const withdrawn = before.assertions.find(({ revision }) => revision === event.data.revision);
    return withdrawn?.from ?? recordedAt;
  }
  if (!hasInterval(event)) return recordedAt;
  const { from } = intervalOf(event.data, recordedAt);
  // Prices of the past are kept in the state; of an override that is imported with an earlier start, only what lasts.
  return event.type === 'ModelPriceChanged' || event.type === 'ModelPriceCorrected'
    ? from
    : Math.max(from, recordedAt);
}

function hasInterval(event: EventBody): event is Extract<EventBody, { data: { effectiveFrom?: string } }> {
  return 'effectiveFrom' in event.data;
}

function viewOf(state: SubjectState | undefined, moment: number): FieldView {
  if (state === undefined) return {};
  if ('assertions' in state) {
    const assertion = inForce(state.assertions, moment);
    if (assertion === undefined || assertion.kind === 'cleared') return {};
    const end: FieldView =
      assertion.until === forever ? {} : { effectiveUntil: formatInstant(assertion.until) };
    return { [assertion.kind]: plain(assertion.value), ...end };
  }
  if ('definition' in state) return plainFields({ ...state.definition, retired: state.retired });
  if ('prices' in state) {
    const { version: _v, revision: _r, prices, sunsetAt, ...fields } = state;
    if (state.status === 'removed') return { status: 'removed' };
    return plainFields({
      ...fields,
      ...(sunsetAt === undefined ? {} : { sunsetAt: formatInstant(sunsetAt) }),
      // Empty where there is none, so that what comes and goes within them is told field by field.
      modalities: fields.modalities ?? {},
      extra: fields.extra ?? {},
      pricing: inForce(prices, moment)?.pricing ?? {},
    });
  }
  const { version: _version, ...fields } = state;
  return plainFields(fields);
}

/** Brings a draft to a target, touching only what differs; lists and scalars are replaced as a whole. */
function reconcile(draft: FieldView, target: FieldView): void {
  for (const field of Object.keys(draft)) if (!Object.hasOwn(target, field)) delete draft[field];
  for (const [field, value] of Object.entries(target)) {
    const current = Object.hasOwn(draft, field) ? draft[field] : undefined;
    if (isRecord(current) && isRecord(value)) reconcile(current, value);
    else if (!equal(current, value)) draft[field] = value;
  }
}

/** Whether two JSON values are the same, members in any order. */
export function equal(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  const left = Object.entries(a);
  return (
    left.length === Object.keys(b).length && left.every(([name, value]) => equal(value, memberOf(b, name)))
  );
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function valueAt(view: FieldView, path: readonly (string | number)[]): JsonValue {
  let value: JsonValue | undefined = view;
  for (const step of path) value = value === undefined ? undefined : memberOf(value, String(step));
  return value ?? null;
}

function isRecord(value: JsonValue | undefined): value is FieldView {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function plainFields(fields: object): FieldView {
  return plain(fields) as FieldView;
}

/** The same data as mutable JSON: domain records are readonly JSON already. */
function plain(value: unknown): JsonValue {
  return value as JsonValue;
}
