/**
 * The oracle: holds what clients were told against what is there, and says every difference.
 * In: the book's entries and the evidence read back; out: counts and violations. Pure, so that planted histories can
 * prove that it sees what it must see. It trusts the log alone to say what happened, and the book to say what was promised.
 */
import type { AnsweredEvent, ChangesetAnswer, Entry } from './book.ts';
import { newestAfter, type Past } from './past.ts';
import { fallback, keys, readValue, scopes, subjectOf } from './workload.ts';

/** A value as the server resolved it. */
export interface ResolvedValue {
  readonly key: string;
  readonly scope: string;
  readonly value: unknown;
}

/** All that was read back after some cycles. */
export interface Evidence {
  readonly past: Past;
  /** The log's own rows after the past, by revision. */
  readonly log: readonly AnsweredEvent[];
  /** What the log's head row says. */
  readonly head: number;
  /** GET /v1/history of the same revisions, oldest first. */
  readonly history: readonly AnsweredEvent[];
  /** GET /v1/changesets/{id}; undefined where it was not found. */
  readonly changesets: ReadonlyMap<string, ChangesetAnswer | undefined>;
  /** Every override's value by door: from the server's memory and from the tables. */
  readonly values: Readonly<Record<string, readonly ResolvedValue[]>>;
  readonly projections: readonly {
    readonly name: string;
    readonly revision: number;
    readonly state: string;
  }[];
}

export type ViolationKind =
  | 'lost'
  | 'torn'
  | 'duplicate'
  | 'ghost'
  | 'altered'
  | 'unresolved'
  | 'gap'
  | 'clock'
  | 'history'
  | 'changeset'
  | 'value'
  | 'projection';

export interface Violation {
  readonly kind: ViolationKind;
  readonly message: string;
}

export interface Verdict {
  /** Changesets of each kind; the rest are found in the violations. */
  readonly lost: number;
  readonly torn: number;
  readonly duplicates: number;
  readonly violations: readonly Violation[];
}

export function judge(entries: readonly Entry[], evidence: Evidence): Verdict {
  const groups = groupByChangeset(evidence.log);
  const violations = [
    ...judgeOrder(evidence),
    ...judgeGroups(groups, evidence.past.markers),
    ...judgeEntries(entries, groups, evidence.past.markers),
    ...judgeReadModels(evidence, groups),
    ...judgeValues(evidence),
  ];
  const count = (kind: ViolationKind) => violations.filter((violation) => violation.kind === kind).length;
  return { lost: count('lost'), torn: count('torn'), duplicates: count('duplicate'), violations };
}

/** Revisions without a gap, recorded times that never run backwards, a head that is the last event. */
function* judgeOrder({ past, log, head }: Evidence): Generator<Violation> {
  let { recordedAt } = past;
  for (const [index, event] of log.entries()) {
    const place = past.revision + index + 1;
    if (event.revision !== place) {
      yield { kind: 'gap', message: `event ${place} of the log has revision ${event.revision}` };
      break;
    }
    if (event.recordedAt < recordedAt) {
      yield {
        kind: 'clock',
        message: `revision ${event.revision} was recorded at ${event.recordedAt}, before ${recordedAt}`,
      };
    }
    recordedAt = event.recordedAt;
  }
  if (head !== past.revision + log.length)
    yield {
      kind: 'gap',
      message: `the head says ${head}, the log holds ${past.revision + log.length} events`,
    };
}

/** A changeset as it stands in the log. */
interface Group {
  readonly changesetId: string;
  readonly events: readonly AnsweredEvent[];
  /** Of the writers; undefined for changesets that the server or the harness made. */
  readonly marker: string | undefined;
}

/** Runs of events with the same changeset id, in the order of the log. */
function groupByChangeset(log: readonly AnsweredEvent[]): readonly Group[] {
  const groups: AnsweredEvent[][] = [];
  for (const event of log) {
    const current = groups.at(-1);
    if (current?.[0]?.changesetId === event.changesetId) current.push(event);
    else groups.push([event]);
  }
  return groups.map((events) => ({
    changesetId: events[0]?.changesetId ?? '',
    events,
    marker: events.map(({ value }) => readValue(value)?.marker).find((marker) => marker !== undefined),
  }));
}

/** Each changeset whole by its own account: one run, its last event marked, every part of its marker once. */
function* judgeGroups(groups: readonly Group[], before: ReadonlySet<string>): Generator<Violation> {
  const seen = new Set<string>();
  const markers = new Set<string>();
  for (const { changesetId, events, marker } of groups) {
    const name = marker ?? changesetId;
    const revision = events[0]?.revision ?? 0;
    if (seen.has(changesetId)) {
      yield {
        kind: 'torn',
        message: `${name} goes on at revision ${revision}, after others came in between`,
      };
      continue;
    }
    seen.add(changesetId);
    if (events.some((event, index) => event.last !== (index === events.length - 1))) {
      yield { kind: 'torn', message: `${name} at revision ${revision} is not ended by its last event alone` };
    } else if (marker !== undefined && !hasEveryPart(events, marker)) {
      yield {
        kind: 'torn',
        message: `${name} at revision ${revision} does not hold each of its parts once, in order`,
      };
    }
    if (marker === undefined) continue;
    if (markers.has(marker) || before.has(marker))
      yield { kind: 'duplicate', message: `${marker} was done again at revision ${revision}` };
    markers.add(marker);
  }
}

function hasEveryPart(events: readonly AnsweredEvent[], marker: string): boolean {
  return events.every((event, index) => {
    const part = readValue(event.value);
    return part?.marker === marker && part.place === index + 1 && part.count === events.length;
  });
}

/** What was promised is there as it was promised; what was refused is not. */
function* judgeEntries(
  entries: readonly Entry[],
  groups: readonly Group[],
  before: ReadonlySet<string>,
): Generator<Violation> {
  const found = new Map<string, Group>();
  for (const group of groups) {
    if (group.marker !== undefined && !found.has(group.marker)) found.set(group.marker, group);
  }
  for (const { sent, state, answer } of entries) {
    const group = found.get(sent.marker);
    found.delete(sent.marker);
    if (state === 'pending' || state === 'unknown') {
      yield { kind: 'unresolved', message: `nobody knows what became of ${sent.marker}` };
    } else if (state === 'refused') {
      if (group !== undefined)
        yield { kind: 'ghost', message: `${sent.marker} was refused, and it is in the log` };
    } else if (answer !== undefined) {
      yield* judgeAcknowledged(sent.marker, expectedEvents(sent.assertions), answer, group);
    }
  }
  for (const marker of found.keys()) {
    if (!before.has(marker)) yield { kind: 'ghost', message: `${marker} was never sent` };
  }
}

type Expected = readonly { readonly subject: string; readonly value: string }[];

function expectedEvents(assertions: Entry['sent']['assertions']): Expected {
  return assertions.map((assertion) => ({ subject: subjectOf(assertion), value: assertion.value }));
}

function* judgeAcknowledged(
  marker: string,
  expected: Expected,
  answer: ChangesetAnswer,
  group: Group | undefined,
): Generator<Violation> {
  if (group === undefined) {
    yield {
      kind: 'lost',
      message: `${marker} was acknowledged at revisions ${answer.first} to ${answer.last}, and is not there`,
    };
    return;
  }
  if (!isSameChangeset(answer, group)) {
    yield {
      kind: 'altered',
      message: `${marker} stands at revision ${group.events[0]?.revision}, not as it was answered`,
    };
  }
  const isAsSent = (events: readonly AnsweredEvent[]) =>
    events.length === expected.length &&
    events.every(
      ({ subject, value, type }, index) =>
        type === 'OverrideSet' && subject === expected[index]?.subject && value === expected[index]?.value,
    );
  if (!isAsSent(answer.events))
    yield { kind: 'altered', message: `${marker} was answered with other events` };
  else if (!isAsSent(group.events)) yield { kind: 'altered', message: `${marker} stands with other events` };
}

function isSameChangeset(answer: ChangesetAnswer, group: Pick<Group, 'changesetId' | 'events'>): boolean {
  return (
    answer.changesetId === group.changesetId &&
    answer.first === group.events[0]?.revision &&
    answer.last === group.events.at(-1)?.revision &&
    answer.events.length === group.events.length &&
    answer.events.every((event, index) => isSameEvent(event, group.events[index]))
  );
}

function isSameEvent(one: AnsweredEvent, other: AnsweredEvent | undefined): boolean {
  return (
    one.revision === other?.revision &&
    one.type === other.type &&
    one.subject === other.subject &&
    JSON.stringify(one.value) === JSON.stringify(other.value) &&
    one.recordedAt === other.recordedAt &&
    one.changesetId === other.changesetId &&
    one.last === other.last
  );
}

/** The read models tell the log's story, all of it. */
function* judgeReadModels(evidence: Evidence, groups: readonly Group[]): Generator<Violation> {
  const { log, head, history, changesets, projections } = evidence;
  if (history.length !== log.length) {
    yield { kind: 'history', message: `the history has ${history.length} events, the log ${log.length}` };
  }
  const differing = log.find((event, index) => !isSameEvent(event, history[index]));
  if (differing !== undefined) {
    yield { kind: 'history', message: `the history tells revision ${differing.revision} otherwise` };
  }
  const byId = new Map(groups.map((group) => [group.changesetId, group]));
  for (const [id, changeset] of changesets) {
    const group = byId.get(id);
    if (changeset !== undefined && group !== undefined && isSameChangeset(changeset, group)) continue;
    yield {
      kind: 'changeset',
      message: `changeset ${id} is ${changeset === undefined ? 'not found' : 'told otherwise'}`,
    };
  }
  if (projections.length === 0) yield { kind: 'projection', message: 'no projection tells how far it is' };
  for (const { name, revision, state } of projections) {
    if (revision === head && state === 'running') continue;
    yield {
      kind: 'projection',
      message: `projection ${name} is ${state} at revision ${revision}, the head is ${head}`,
    };
  }
}

/** Each scope resolves to the value of its last event, else to that of global, else to the fallback. */
function* judgeValues({ past, log, values }: Evidence): Generator<Violation> {
  const newest = newestAfter(past, log);
  for (const [door, resolved] of Object.entries(values)) {
    if (resolved.length !== keys.length * scopes.length) {
      yield { kind: 'value', message: `${door} resolved ${resolved.length} values` };
    }
    for (const { key, scope, value } of resolved) {
      const expected =
        newest.get(subjectOf({ key, scope })) ?? newest.get(subjectOf({ key, scope: 'global' })) ?? fallback;
      if (value === expected) continue;
      yield {
        kind: 'value',
        message: `${door} resolves ${key} for ${scope} to ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`,
      };
    }
  }
}
