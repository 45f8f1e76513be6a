/**
 * What an event means: the state of its subject before, and after. The one fold behind the live state, the
 * deciders' overlay and the read models. Pure: time comes from the event.
 * An event that does not fit its subject is a corrupt ledger, and whoever folds it stops.
 */
import { produce } from 'immer';
import { Failure } from '../failure.ts';
import { type Assertion, forever, withAssertion, withoutPast } from './assertion.ts';
import type { DataOf, EffectiveInterval, Envelope, EventBody } from './event.ts';
import { parseInstant } from './instant.ts';
import { splitModelId } from './model-reference.ts';
import type { ModelState, OverrideAssertion, OverrideState, SubjectState } from './subject-state.ts';

/** The part of the envelope that an event's meaning needs; a draft has it before it is recorded. */
export type Placed = EventBody & Pick<Envelope, 'revision' | 'recordedAt'>;

/** The state of the event's subject after it. Throws Failure `corrupt` when the event does not fit. */
export function evolve(before: SubjectState | undefined, event: Placed): SubjectState {
  const version = (before?.version ?? 0) + 1;
  const recordedAt = instantOf(event.recordedAt);
  switch (event.type) {
    case 'OverrideSet':
    case 'OverrideCleared':
      return withOverride(before, event, version, recordedAt);
    case 'OverrideWithdrawn': {
      const { revision } = event.data;
      const assertions = assertionsOf(before).filter((assertion) => assertion.revision !== revision);
      return { version, assertions, ...saltOf(before) };
    }
    case 'KeyDefined':
      return { version, revision: event.revision, definition: event.data, retired: false };
    case 'KeyRetired':
      return { ...known(before, isKeyState, event), version, retired: true };
    case 'RevisionTagged':
      return { version, ...event.data, taggedAt: recordedAt };
    case 'ApiKeyCreated':
      return { version, ...event.data, revoked: false, createdAt: recordedAt };
    case 'ApiKeyRevoked':
      return { ...known(before, isApiKeyState, event), version, revoked: true };
    case 'WebhookCreated':
      return { version, ...event.data, removed: false, createdAt: recordedAt };
    case 'WebhookRemoved':
      return { ...known(before, isWebhookState, event), version, removed: true };
    case 'LedgerCreated':
      return { version, ...event.data, createdAt: recordedAt };
    case 'ModelAdded':
      return addedModel(before, event, version, recordedAt);
    case 'ModelPriceChanged':
    case 'ModelPriceCorrected': {
      // Not in immer: its drafts of a list of 3,000 prices cost 2 ms an event.
      const model = known(before, isModelState, event);
      const price = {
        revision: event.revision,
        ...intervalOf(event.data, recordedAt),
        pricing: event.data.pricing,
      };
      return { ...model, version, revision: event.revision, prices: withAssertion(model.prices, price) };
    }
    default:
      return produce(known(before, isModelState, event), (model: ModelDraft) => {
        model.version = version;
        model.revision = event.revision;
        changeModel(model, event);
      });
  }
}

/** The interval of an assertion in epoch milliseconds; without a start it begins when it is recorded. */
export function intervalOf(data: EffectiveInterval, recordedAt: number): Pick<Assertion, 'from' | 'until'> {
  return {
    from: data.effectiveFrom === undefined ? recordedAt : instantOf(data.effectiveFrom),
    until: data.effectiveUntil === undefined ? forever : instantOf(data.effectiveUntil),
  };
}

/** What an override event asserts. */
export function assertionOf(
  event: Extract<Placed, { type: 'OverrideSet' | 'OverrideCleared' }>,
): OverrideAssertion {
  const { from, until } = intervalOf(event.data, instantOf(event.recordedAt));
  const { revision } = event;
  if (event.type === 'OverrideCleared') return { revision, from, until, kind: 'cleared', value: null };
  const { allocation, value = null } = event.data;
  if (allocation !== undefined) return { revision, from, until, kind: 'allocation', value: allocation };
  return { revision, from, until, kind: 'value', value };
}

function withOverride(
  before: SubjectState | undefined,
  event: Extract<Placed, { type: 'OverrideSet' | 'OverrideCleared' }>,
  version: number,
  recordedAt: number,
): OverrideState {
  const added = assertionOf(event);
  const assertions = withoutPast(withAssertion(assertionsOf(before), added), recordedAt);
  return {
    version,
    assertions,
    ...(added.kind === 'allocation' ? { salt: added.value.salt } : saltOf(before)),
  };
}

function saltOf(state: SubjectState | undefined): Pick<OverrideState, 'salt'> {
  return state !== undefined && 'assertions' in state && state.salt !== undefined ? { salt: state.salt } : {};
}

type ModelDraft = { -readonly [F in keyof ModelState]: ModelState[F] };

function addedModel(
  before: SubjectState | undefined,
  event: Placed & { readonly type: 'ModelAdded' },
  version: number,
  recordedAt: number,
): ModelState {
  const { id, model, pricing } = event.data;
  // A price is a fact of the outside world: it outlives the removal of its model.
  const prices = before !== undefined && isModelState(before) ? before.prices : [];
  const price = { revision: event.revision, from: recordedAt, until: forever };
  return {
    ...model,
    id,
    ...splitModelId(id),
    version,
    revision: event.revision,
    prices: pricing === undefined ? prices : withAssertion(prices, { ...price, pricing }),
  };
}

type ModelEvent = Extract<Placed, { readonly data: { readonly id: string } }>;

function changeModel(model: ModelDraft, event: ModelEvent): void {
  switch (event.type) {
    case 'ModelUpdated':
      update(model, event.data.updates);
      return;
    case 'ModelDeprecated': {
      const { successor, sunsetAt } = event.data;
      model.status = 'deprecated';
      forget(model);
      if (successor !== undefined) model.successor = successor;
      if (sunsetAt !== undefined) model.sunsetAt = instantOf(sunsetAt);
      return;
    }
    case 'ModelReinstated':
      model.status = 'active';
      forget(model);
      return;
    case 'ModelRemoved':
      model.status = 'removed';
      forget(model);
      return;
    default:
      throw misfit(event);
  }
}

function forget(model: ModelDraft): void {
  delete model.successor;
  delete model.sunsetAt;
}

function update(model: ModelDraft, updates: DataOf<'ModelUpdated'>['updates']): void {
  const { extra, ...fields } = updates;
  for (const [field, value] of Object.entries(fields)) {
    if (value === null) Reflect.deleteProperty(model, field);
    else Reflect.set(model, field, value);
  }
  if (extra === null) delete model.extra;
  else if (extra !== undefined) {
    const merged = Object.entries({ ...model.extra, ...extra }).filter(([, value]) => value !== null);
    if (merged.length > 0) model.extra = Object.fromEntries(merged);
    else delete model.extra;
  }
}

function assertionsOf(state: SubjectState | undefined): readonly OverrideAssertion[] {
  return state !== undefined && 'assertions' in state ? state.assertions : [];
}

const isKeyState = (state: SubjectState) => 'definition' in state;
const isApiKeyState = (state: SubjectState) => 'revoked' in state;
const isWebhookState = (state: SubjectState) => 'removed' in state;
const isModelState = (state: SubjectState) => 'prices' in state;

function known<S extends SubjectState>(
  state: SubjectState | undefined,
  is: (state: SubjectState) => state is S,
  event: Placed,
): S {
  if (state === undefined || !is(state)) throw misfit(event);
  return state;
}

function misfit(event: Placed): Failure {
  return new Failure('corrupt', `the ${event.type} at revision ${event.revision} does not fit its subject`, {
    reason: 'event_does_not_fit',
  });
}

function instantOf(text: string): number {
  const instant = parseInstant(text);
  if (instant === undefined) throw new Failure('corrupt', `an event holds the bad time ${text}`);
  return instant;
}
