/**
 * The slow truth about rollbacks, for their laws: what a plan comes to, and what events say about every moment.
 */
import { forever, inForce } from '../../src/domain/assertion.ts';
import { decideAll } from '../../src/domain/decide.ts';
import { type RecordedEvent, subjectOf } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { schemaVersionOf } from '../../src/domain/upcast.ts';
import { Failure } from '../../src/failure.ts';
import type { Planned } from '../../src/http/rollback-plan-call.ts';
import { changesetIdOf, foldTo } from '../queries/ledger-story.ts';
import { holdsAt, naiveResolve, saidIn } from '../support/naive-resolver.ts';
import { contexts, modelIds, modelKey, moments, stringKey } from '../support/random-histories.ts';

const keys = [stringKey, modelKey];
const scopes: readonly Scope[] = ['global', 'tier:1', 'tenant:t', 'user:u'];

/** The events that a plan comes to at a moment, as the writer would record them; undefined when it is refused. */
export function carriedOut(
  events: readonly RecordedEvent[],
  { undoes: _undoes, ...plan }: Planned,
  now: number,
): readonly RecordedEvent[] | undefined {
  const state = foldTo(events, events.length);
  try {
    const { events: decided } = decideAll(
      state,
      [{ type: 'restore', allowUnlisted: true, ...plan }],
      now,
      'rollback',
    );
    return decided.map(({ body, revision, after }, index) => ({
      ...body,
      ledger: events[0]?.ledger ?? '',
      revision,
      schemaVersion: schemaVersionOf(body.type),
      subject: subjectOf(body),
      version: after.version,
      recordedAt: formatInstant(now),
      actor: { id: 'operator', kind: 'api_key' },
      reason: 'put it back',
      source: 'rollback',
      changesetId: changesetIdOf(900),
      last: index === decided.length - 1,
      requestId: 'rollback',
    }));
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return undefined;
    throw error;
  }
}

export const momentsFrom = (now: number) => [now, ...moments.filter((at) => at > now)];
export const momentsBefore = (now: number) => moments.filter((at) => at < now);

/** The values of every key for every context. */
export function answers(events: readonly RecordedEvent[], at: number) {
  return keys.flatMap((key) =>
    contexts.map((context) => naiveResolve(events, key, context, at)?.value ?? null),
  );
}

/** What every scope says: null for nothing, whether it was cleared or never set. */
export function saidAt(events: readonly RecordedEvent[], at: number) {
  return keys.flatMap((key) =>
    scopes.map((scope) => {
      const said = holdsAt(saidIn(events, key, scope), at);
      return said === undefined || said.kind === 'cleared' ? null : { kind: said.kind, value: said.value };
    }),
  );
}

export function priceList(events: readonly RecordedEvent[], id: string) {
  return foldTo(events, events.length).model(id)?.prices ?? [];
}

export function pricesAt(events: readonly RecordedEvent[], at: number) {
  return modelIds.map((id) => inForce(priceList(events, id), at)?.pricing ?? {});
}

export const upTo = (events: readonly RecordedEvent[], revision: number) => events.slice(0, revision);

/** What every scope says if only these events had been; a withdrawal of what was never said says nothing. */
export function withoutThem(events: readonly RecordedEvent[], at: number) {
  const said = new Set(events.map(({ revision }) => revision));
  return saidAt(
    events.filter((event) => event.type !== 'OverrideWithdrawn' || said.has(event.data.revision)),
    at,
  );
}

/** The changes that stand from now on, were made after a selected one, and speak of its time. */
export function laterChanges(
  events: readonly RecordedEvent[],
  selected: ReadonlySet<number>,
  now: number,
): readonly number[] {
  const others = events.filter(({ revision }) => !selected.has(revision));
  const known = new Set(others.map(({ revision }) => revision));
  const left = others.filter((event) => event.type !== 'OverrideWithdrawn' || known.has(event.data.revision));
  return scopes
    .flatMap((scope) => {
      const all = saidIn(
        events.filter((event) => event.type !== 'OverrideWithdrawn'),
        stringKey,
        scope,
      );
      const standing = saidIn(left, stringKey, scope);
      const taken = all.filter(({ revision }) => selected.has(revision));
      const back = events.flatMap((event) =>
        event.type === 'OverrideWithdrawn' && selected.has(event.revision)
          ? all
              .filter(({ revision }) => revision === event.data.revision && !selected.has(revision))
              .map((one) => ({ ...one, revision: event.revision }))
          : [],
      );
      return standing
        .filter((one) => moments.concat(forever - 1).some((at) => at >= now && isTop(standing, one, at, now)))
        .filter((one) =>
          [...taken, ...back].some(
            (before) =>
              before.revision < one.revision &&
              Math.max(before.from, one.from, now) < Math.min(before.until, one.until),
          ),
        )
        .map(({ revision }) => revision);
    })
    .toSorted((a, b) => a - b);
}

/** Whether an assertion may still hold from now on: nothing that has started lasts longer above it. */
function isTop(
  standing: ReturnType<typeof saidIn>,
  one: ReturnType<typeof saidIn>[number],
  at: number,
  now: number,
): boolean {
  if (one.from > now) return one.until > now;
  const started = standing.filter(({ from }) => from <= now);
  return holdsAt(started, at)?.revision === one.revision;
}

/** Definitions and models without what counts their events. */
export function fieldsOf(events: readonly RecordedEvent[]) {
  const live = foldTo(events, events.length);
  const models = modelIds.map((id) => {
    const model = live.model(id);
    if (model === undefined || model.status === 'removed') return null;
    const { version: _v, revision: _r, prices: _p, ...fields } = model;
    return fields;
  });
  const definitions = keys.map((key) => {
    const state = live.key(key);
    return state?.retired === false ? state.definition : null;
  });
  return { models, definitions };
}
