/**
 * The questions of domain/questions.ts, answered from a log by replaying it: the slow truth, for tests of http/ that
 * need no database. The events come in from a log engine; nothing is kept between two questions.
 */
import { type Assertion, forever, inForce } from '../../src/domain/assertion.ts';
import { type RecordedEvent, subjectOf } from '../../src/domain/event.ts';
import { assertionOf, evolve } from '../../src/domain/evolve.ts';
import { fieldChanges } from '../../src/domain/field-changes.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import type { HistoryFilter, HistoryItem, PriceRecord } from '../../src/domain/questions.ts';
import type { Reads } from '../../src/domain/reads.ts';
import { type Scope, splitScope } from '../../src/domain/scope.ts';
import { type OverrideAssertion, type SubjectState, statusAt } from '../../src/domain/subject-state.ts';
import { decodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryConsumers } from './memory-consumers.ts';
import { memoryReplayReads } from './memory-replays.ts';
import { scheduleOf } from './memory-schedule.ts';
import { paged } from './paged.ts';
import { timeMachineReads } from './time-machine-reads.ts';

interface Told {
  readonly items: readonly HistoryItem[];
  readonly states: ReadonlyMap<string, SubjectState>;
  /** Every assertion that was not withdrawn, also those that are over. */
  readonly assertions: ReadonlyMap<string, readonly OverrideAssertion[]>;
}

const projectionNames = 'subjects assertions keys catalogue prices history changesets tags'.split(' ');

/** Reads over a log, and over what consumers have said. */
export function createMemoryReads(log: Ledger, consumers = createMemoryConsumers()): Reads {
  const tell = async (ledger: string, asOf: number = Number.MAX_SAFE_INTEGER): Promise<Told> => {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await log.read(ledger, events.length, 1_000);
      if (page.length === 0) return replay(events.filter(({ revision }) => revision <= asOf));
      events.push(...page.map(decodeEvent));
    }
  };

  return {
    ...timeMachineReads(async (ledger) => (await tell(ledger)).items),
    ...memoryReplayReads,
    ...consumers.reads,
    waitFor: async () => undefined,
    async revisionAt(ledger, time) {
      const { items } = await tell(ledger);
      return items.findLast((event) => instant(event) <= time)?.revision ?? 0;
    },
    deliveries: async () => ({ items: [], nextCursor: null }),
    delivery: async () => undefined,
    openDeliveries: async () => new Map(),
    async recordedAt(ledger, revision) {
      const event = (await tell(ledger)).items[revision - 1];
      return event === undefined ? undefined : instant(event);
    },
    async stateAt(ledger, moment, keys) {
      const told = await tell(ledger, moment.asOf);
      return stateOf(told, moment.asOf, keys);
    },
    async layersAt(ledger, asOf, key, scopes) {
      const { assertions } = await tell(ledger, asOf);
      return new Map(scopes.map((scope) => [scope, assertions.get(`override:${key}@${scope}`) ?? []]));
    },
    async events(ledger, revisions) {
      const { items } = await tell(ledger);
      return new Map(
        items.filter(({ revision }) => revisions.includes(revision)).map((item) => [item.revision, item]),
      );
    },
    async history(ledger, filter, page) {
      return paged(selected((await tell(ledger, filter.asOf)).items, filter), page);
    },
    async *historyStream(ledger, filter) {
      yield* selected((await tell(ledger, filter.asOf)).items, filter);
    },
    async changeset(ledger, id) {
      const events = (await tell(ledger)).items.filter(({ changesetId }) => changesetId === id);
      const first = events[0];
      const last = events.at(-1);
      if (first === undefined || last === undefined) return undefined;
      const { actor, reason, source, requestId, undoes = null } = first;
      const record = {
        changesetId: id,
        firstRevision: first.revision,
        lastRevision: last.revision,
        recordedAt: instant(first),
        actor: actor.id,
        via: actor.via ?? null,
        reason,
        source,
        requestId,
        undoes,
      };
      return { record, events };
    },
    async keys(ledger, asOf, page) {
      return paged(keyRecords(await tell(ledger, asOf)), page);
    },
    async key(ledger, asOf, key) {
      return keyRecords(await tell(ledger, asOf)).find((record) => record.key === key);
    },
    async overrides(ledger, moment, filter, page) {
      const { assertions, states } = await tell(ledger, moment.asOf);
      const records = [...assertions].flatMap(([subject, list]) => {
        const name = subject.slice('override:'.length);
        const key = name.slice(0, name.indexOf('@'));
        const scope = name.slice(name.indexOf('@') + 1) as Scope;
        if (filter.key !== undefined && filter.key !== key) return [];
        if (filter.scope !== undefined && filter.scope !== scope) return [];
        if (filter.kind !== undefined && filter.kind !== splitScope(scope).kind) return [];
        const current = inForce(sorted(list), moment.at);
        const version = states.get(subject)?.version ?? 0;
        return list
          .filter((assertion) => assertion === current || assertion.from > moment.at)
          .map((assertion) => {
            const state = assertion === current ? ('in_force' as const) : ('scheduled' as const);
            return { key, scope, assertion, state, version };
          });
      });
      return paged(records, page);
    },
    async models(ledger, moment, filter, page) {
      const records = modelRecords(await tell(ledger, moment.asOf), moment.at).filter(
        ({ state }) =>
          state.status !== 'removed' &&
          (filter.status === undefined || statusAt({ ...state, prices: [] }, moment.at) === filter.status) &&
          (filter.provider === undefined || state.provider === filter.provider) &&
          (filter.capability === undefined || state.capabilities?.includes(filter.capability) === true) &&
          (filter.q === undefined || state.name.includes(filter.q)),
      );
      return paged(records, page);
    },
    async model(ledger, moment, id) {
      return modelRecords(await tell(ledger, moment.asOf), moment.at).find(({ state }) => state.id === id);
    },
    async modelHistory(ledger, asOf, id, page) {
      return paged(selected((await tell(ledger, asOf)).items, { model: id }), page);
    },
    async prices(ledger, asOf, id) {
      return (await tell(ledger, asOf)).items.flatMap((event) => priceOf(event, id) ?? []);
    },
    async tags(ledger, asOf, page) {
      const { states } = await tell(ledger, asOf);
      return paged(
        [...states.values()].flatMap((state) => ('taggedAt' in state ? [state] : [])),
        page,
      );
    },
    async schedule(ledger, asOf, stretch, filter, page) {
      return paged(scheduleOf(await tell(ledger, asOf), stretch, filter), page);
    },
    async projections(ledger) {
      const revision = (await log.head(ledger)).revision;
      return projectionNames.map((name) => ({
        name,
        version: 1,
        revision,
        state: 'running' as const,
        error: null,
      }));
    },
  };
}

function replay(events: readonly RecordedEvent[]): Told {
  const states = new Map<string, SubjectState>();
  const assertions = new Map<string, readonly OverrideAssertion[]>();
  const items = events.map((event) => {
    const subject = subjectOf(event);
    const before = states.get(subject);
    const after = evolve(before, event);
    states.set(subject, after);
    const list = assertions.get(subject) ?? [];
    if (event.type === 'OverrideSet' || event.type === 'OverrideCleared') {
      assertions.set(subject, [...list, assertionOf(event)]);
    } else if (event.type === 'OverrideWithdrawn') {
      assertions.set(
        subject,
        list.filter(({ revision }) => revision !== event.data.revision),
      );
    }
    return { ...event, changes: fieldChanges(before, after, event) };
  });
  return { items, states, assertions };
}

function stateOf(
  { states, assertions, items }: Told,
  asOf: number,
  keys: readonly string[] | undefined,
): LiveState {
  const state = new LiveState();
  for (const [subject, subjectState] of states) {
    const list = assertions.get(subject);
    if (list !== undefined) state.put(subject, { version: subjectState.version, assertions: sorted(list) });
    else state.put(subject, subjectState);
  }
  if (keys !== undefined)
    for (const key of state.slots.keys()) if (!keys.includes(key)) state.slots.delete(key);
  const last = items.at(-1);
  state.revision = asOf;
  state.recordedAt = last === undefined ? 0 : instant(last);
  return state;
}

function sorted<A extends Assertion>(list: readonly A[]): readonly A[] {
  return list.toSorted((one, other) => one.from - other.from || one.revision - other.revision);
}

function selected(items: readonly HistoryItem[], filter: HistoryFilter): readonly HistoryItem[] {
  return items.toReversed().filter((event) => {
    const { data, subject, actor, type, changesetId, reason } = event;
    return (
      (filter.subject === undefined || subject === filter.subject) &&
      (filter.key === undefined || ('key' in data && data.key === filter.key)) &&
      (filter.scope === undefined || ('scope' in data && data.scope === filter.scope)) &&
      (filter.model === undefined || subject === `model:${filter.model}`) &&
      (filter.actor === undefined || actor.id === filter.actor) &&
      (filter.type === undefined || type === filter.type) &&
      (filter.changeset === undefined || changesetId === filter.changeset) &&
      (filter.from === undefined || instant(event) >= filter.from) &&
      (filter.to === undefined || instant(event) < filter.to) &&
      (filter.q === undefined || reason.includes(filter.q))
    );
  });
}

function keyRecords({ states }: Told) {
  return [...states.values()].flatMap((state) => {
    if (!('definition' in state)) return [];
    const { definition, version, revision, retired } = state;
    return [{ ...definition, version, revision, retired }];
  });
}

function modelRecords({ states }: Told, at: number) {
  return [...states.values()].flatMap((state) => {
    if (!('prices' in state)) return [];
    const { prices, ...rest } = state;
    return [{ state: rest, pricing: inForce(prices, at)?.pricing ?? null }];
  });
}

function priceOf(event: HistoryItem, id: string): PriceRecord | undefined {
  if (event.subject !== `model:${id}`) return undefined;
  const { revision } = event;
  const recordedAt = instant(event);
  const none = { source: null, corrects: null, effectiveUntil: null };
  if (event.type === 'ModelAdded' && event.data.pricing !== undefined) {
    return {
      ...none,
      revision,
      kind: 'added',
      pricing: event.data.pricing,
      effectiveFrom: recordedAt,
      recordedAt,
    };
  }
  if (event.type === 'ModelPriceChanged') {
    const { pricing, effectiveFrom, source = null } = event.data;
    const from = parseInstant(effectiveFrom ?? '') ?? recordedAt;
    return { ...none, revision, kind: 'changed', pricing, effectiveFrom: from, recordedAt, source };
  }
  if (event.type !== 'ModelPriceCorrected') return undefined;
  const { pricing, effectiveFrom, effectiveUntil, source = null, corrects } = event.data;
  return {
    revision,
    kind: 'corrected',
    pricing,
    effectiveFrom: parseInstant(effectiveFrom) ?? 0,
    effectiveUntil: parseInstant(effectiveUntil ?? '') ?? forever,
    recordedAt,
    source,
    corrects,
  };
}

function instant({ recordedAt }: RecordedEvent): number {
  return parseInstant(recordedAt) ?? 0;
}
