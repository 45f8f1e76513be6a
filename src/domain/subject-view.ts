/**
 * What a subject says at a moment, as plain fields for people: what the one diff compares (diff.ts).
 * A state and a time (epoch milliseconds) come in, a view goes out; versions and revisions stay out of it, so that two
 * views differ only where the subject means something else. Pure.
 */
import { type Assertion, forever, inForce, nextBoundary } from './assertion.ts';
import { differences, type FieldChange, type FieldView, isRecord } from './diff.ts';
import { formatInstant } from './instant.ts';
import type { JsonValue } from './json.ts';
import { type OverrideAssertion, type PriceAssertion, type SubjectState, statusAt } from './subject-state.ts';

/** The most entries of a list of what is to come. */
const maxComing = 64;

/**
 * What a subject says at a moment, as its last event left it: the status of a model is the recorded one.
 * An override says `value` or `allocation`, and `effectiveUntil` where that has an end; nothing where it is cleared.
 */
export function viewOf(state: SubjectState | undefined, at: number): FieldView {
  if (state === undefined) return {};
  if ('assertions' in state) {
    const assertion = inForce(state.assertions, at);
    if (assertion === undefined || assertion.kind === 'cleared') return {};
    return { [assertion.kind]: plain(assertion.value), ...endOf(assertion) };
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
      pricing: inForce(prices, at)?.pricing ?? {},
    });
  }
  const { version: _version, ...fields } = state;
  return plainFields(fields);
}

/**
 * What a subject says at a point in time and from then on: the view of the moment, a model's status as its sunset has it,
 * and what changes by itself later:
 * - `scheduled` of an override: `[{ effectiveFrom, effectiveUntil?, value | allocation | cleared: true }]`,
 * - `scheduledPricing` of a model: `[{ effectiveFrom, effectiveUntil?, pricing }]`,
 *
 * an entry for each later moment at which another assertion comes into force, be it that it starts then or that one
 * above it ends; in order of time, the first 64, absent when there is none. `effectiveUntil` is the assertion's own end; that
 * it gives way to "not set here" is told by it alone, as if nothing had been said.
 * So two equal views are two subjects that answer alike now and later, as far as 64 changes of hands reach.
 */
export function pointViewOf(state: SubjectState | undefined, at: number): FieldView {
  const view = viewOf(state, at);
  if (state === undefined) return view;
  if ('assertions' in state) return withComing(view, 'scheduled', comingOf(state.assertions, at, said));
  if (!('prices' in state) || state.status === 'removed') return view;
  const status = statusAt(state, at);
  return withComing({ ...view, status }, 'scheduledPricing', comingOf(state.prices, at, priced));
}

/** What differs between two points (pointViewOf), field by field in the order of their names. */
export function pointDifferences(from: FieldView, to: FieldView): readonly FieldChange[] {
  return differences(from, to).filter(
    ({ field, before, after }) => !isEmptyPart(field, before) && !isEmptyPart(field, after),
  );
}

/** Whether a value is a part of a model that is there for comparing only (viewOf). */
export function isEmptyPart(field: string, value: JsonValue): boolean {
  const isPart = field === 'modalities' || field === 'extra' || field === 'pricing';
  return isPart && isRecord(value) && Object.keys(value).length === 0;
}

function withComing(view: FieldView, field: string, coming: readonly FieldView[]): FieldView {
  return coming.length === 0 ? view : { ...view, [field]: coming };
}

/** The assertions that come into force after a moment, each when it does, in the words of `say`. */
function comingOf<A extends Assertion>(
  assertions: readonly A[],
  at: number,
  say: (assertion: A) => FieldView,
): readonly FieldView[] {
  const coming: FieldView[] = [];
  let current = inForce(assertions, at);
  let next = nextBoundary(assertions, at);
  while (next < forever && coming.length < maxComing) {
    const assertion = inForce(assertions, next);
    if (assertion !== undefined && assertion !== current && !isSilenceAfter(current, assertion, next)) {
      coming.push({ effectiveFrom: formatInstant(next), ...endOf(assertion), ...say(assertion) });
    }
    current = assertion;
    next = nextBoundary(assertions, next);
  }
  return coming;
}

/** That something ends is told by its own end, whether nothing comes after it or "not set here". */
function isSilenceAfter(
  ended: Assertion | undefined,
  next: Assertion & { kind?: string },
  at: number,
): boolean {
  return next.kind === 'cleared' && ended?.until === at;
}

function said({ kind, value }: OverrideAssertion): FieldView {
  return kind === 'cleared' ? { cleared: true } : { [kind]: plain(value) };
}

function priced({ pricing }: PriceAssertion): FieldView {
  return { pricing: plain(pricing) };
}

function endOf({ until }: Assertion): FieldView {
  return until === forever ? {} : { effectiveUntil: formatInstant(until) };
}

function plainFields(fields: object): FieldView {
  return plain(fields) as FieldView;
}

/** The same data as mutable JSON: domain records are readonly JSON already. */
function plain(value: unknown): JsonValue {
  return value as JsonValue;
}
