/**
 * What holds across subjects: the log is one order of whole changesets, every answer fits it, and it fits real time.
 * In: the history with its log; out: what was broken, in words, each with the operation's id. Looks at each operation once.
 */
import { groupBy } from './group-by.ts';
import type { History, LogEvent, Operation, Read, Value, Write } from './history.ts';

export function brokenLaws(history: History): readonly string[] {
  const { operations, log } = history;
  const writes = operations.filter((one) => one.kind === 'write');
  const reads = operations.filter((one) => one.kind === 'read');
  const changesets = changesetsOf(log);
  const byWrite = groupBy(changesets, (events) => events[0]?.writeId);
  return [
    ...brokenLog(log, changesets),
    ...writes.flatMap((write) => brokenWrite(write, byWrite.get(write.id) ?? [])),
    ...strangers(byWrite, writes),
    ...brokenRealTime(operations, byWrite),
    ...brokenReads(reads, log),
    ...brokenPerServer(operations),
  ];
}

/** Cut where the id changes, so that a torn one shows. */
function changesetsOf(log: readonly LogEvent[]): readonly (readonly LogEvent[])[] {
  const changesets: LogEvent[][] = [];
  for (const event of log) {
    const open = changesets.at(-1);
    if (open?.[0]?.changesetId === event.changesetId) open.push(event);
    else changesets.push([event]);
  }
  return changesets;
}

function brokenLog(
  log: readonly LogEvent[],
  changesets: readonly (readonly LogEvent[])[],
): readonly string[] {
  const broken: string[] = [];
  const versions = new Map<string, number>();
  for (const [place, event] of log.entries()) {
    if (event.revision !== place + 1)
      broken.push(`the log has revision ${event.revision} in place ${place + 1}`);
    const version = (versions.get(event.subject) ?? 0) + 1;
    versions.set(event.subject, version);
    if (event.version !== version) {
      broken.push(`event ${event.revision} is version ${event.version} of ${event.subject}, not ${version}`);
    }
    const before = log[place - 1];
    if (before !== undefined && event.recordedAt < before.recordedAt) {
      broken.push(`recorded time runs backwards at revision ${event.revision}`);
    }
  }
  for (const events of changesets) {
    const lasts = events.map(({ last }) => last);
    if (lasts.indexOf(true) !== events.length - 1) {
      broken.push(`changeset ${events[0]?.changesetId} is torn at revision ${events.at(-1)?.revision}`);
    }
  }
  const ids = changesets.map((events) => events[0]?.changesetId);
  if (new Set(ids).size < ids.length) broken.push('a changeset stands in the log in several pieces');
  return broken;
}

function brokenWrite(write: Write, found: readonly (readonly LogEvent[])[]): readonly string[] {
  const { id, outcome, guard, changes } = write;
  if (found.length > 1) return [`${id} was applied ${found.length} times`];
  const events = found[0];
  switch (outcome.kind) {
    case 'done': {
      if (events === undefined) return [`${id} was acknowledged and is not in the log`];
      const isEqual =
        events.length === outcome.events.length &&
        events.every((event, place) => isSameEvent(event, outcome.events[place]));
      if (!isEqual) return [`${id} was answered other events than the log has`];
      const first = events[0];
      if (first === undefined) return [];
      if (guard.kind === 'revision' && first.revision !== guard.expected + 1) {
        return [`${id} expected revision ${guard.expected} and was appended at ${first.revision}`];
      }
      const guarded = events.find(({ subject }) => subject === changes[0]?.subject);
      if (guard.kind === 'version' && guarded !== undefined && guarded.version !== guard.expected + 1) {
        return [`${id} expected version ${guard.expected} and made ${guarded.version}`];
      }
      return [];
    }
    case 'unknown': {
      if (events === undefined) return [];
      const isWhole = events.every(({ subject, value }) =>
        changes.some((change) => change.subject === subject && change.value === value),
      );
      return isWhole ? [] : [`${id} stands in the log as another wish`];
    }
    case 'same':
    case 'moved':
    case 'refused':
      return events === undefined ? [] : [`${id} was told ${outcome.kind} and is in the log`];
    default:
      return outcome satisfies never;
  }
}

function isSameEvent(a: LogEvent, b: LogEvent | Partial<LogEvent> | undefined): boolean {
  return (
    b !== undefined &&
    a.revision === b.revision &&
    a.subject === b.subject &&
    a.version === b.version &&
    a.value === b.value
  );
}

function strangers(
  byWrite: ReadonlyMap<string | undefined, unknown>,
  writes: readonly Write[],
): readonly string[] {
  const known = new Set<string | undefined>(writes.map(({ id }) => id));
  return [...byWrite.keys()]
    .filter((id) => id !== undefined && !known.has(id))
    .map((id) => `${id} is in the log and nobody asked for it`);
}

/**
 * What was heard of before something was asked comes before it in the log. Walks through time once, with the highest
 * revision that anybody had heard of.
 */
function brokenRealTime(
  operations: readonly Operation[],
  byWrite: ReadonlyMap<string | undefined, readonly (readonly LogEvent[])[]>,
): readonly string[] {
  const heard = operations
    .flatMap((one) => (one.return === undefined ? [] : [{ at: one.return, revision: heardRevision(one) }]))
    .sort((a, b) => a.at - b.at);
  const broken: string[] = [];
  let next = 0;
  let highest = 0;
  for (const one of operations.toSorted((a, b) => a.call - b.call)) {
    for (let told = heard[next]; told !== undefined && told.at < one.call; told = heard[++next]) {
      highest = Math.max(highest, told.revision);
    }
    if (one.kind === 'read') {
      if (one.isFresh && one.revision < highest) {
        broken.push(`${one.id} asked for all of the past up to ${highest} and was answered ${one.revision}`);
      }
      continue;
    }
    const first = byWrite.get(one.id)?.[0]?.[0];
    if (first !== undefined && first.revision <= highest) {
      broken.push(`${one.id} stands at ${first.revision}, and ${highest} was known before it was asked`);
    }
    if (one.outcome.kind === 'moved' && one.guard.kind === 'revision' && one.outcome.at < highest) {
      broken.push(`${one.id} was told revision ${one.outcome.at} when ${highest} was known`);
    }
  }
  return [...broken, ...knownTooEarly(operations, byWrite)];
}

/** Nobody hears of a revision before its write was asked for. */
function knownTooEarly(
  operations: readonly Operation[],
  byWrite: ReadonlyMap<string | undefined, readonly (readonly LogEvent[])[]>,
): readonly string[] {
  const asked = operations
    .flatMap((one) => {
      const first = one.kind === 'write' ? byWrite.get(one.id)?.[0]?.[0] : undefined;
      return first === undefined ? [] : [{ revision: first.revision, call: one.call }];
    })
    .sort((a, b) => a.revision - b.revision);
  // The latest call among the writes up to each revision: whoever knows that revision heard after it.
  const latest: { readonly revision: number; readonly call: number }[] = [];
  for (const { revision, call } of asked) {
    latest.push({ revision, call: Math.max(call, latest.at(-1)?.call ?? 0) });
  }
  return operations.flatMap((one) => {
    if (one.return === undefined) return [];
    const revision = heardRevision(one);
    const before = latest.findLast((mark) => mark.revision <= revision);
    return before !== undefined && before.call > one.return
      ? [`${one.id} heard of revision ${revision} before that was asked for`]
      : [];
  });
}

/** The highest revision that a client has heard of by an answer; 0 for none. */
export function heardRevision(operation: Operation): number {
  if (operation.kind === 'read') return operation.revision;
  const { outcome } = operation;
  if (outcome.kind === 'done') return outcome.events.at(-1)?.revision ?? 0;
  return outcome.kind === 'same' || outcome.kind === 'moved' ? outcome.revision : 0;
}

/** Each answer is the state at the revision that it names, and that revision is at least the one that was asked for. */
function brokenReads(reads: readonly Read[], log: readonly LogEvent[]): readonly string[] {
  const bySubject = groupBy(log, ({ subject }) => subject);
  return reads.flatMap((read) => {
    const { id, subject, revision, minRevision, value, version } = read;
    if (minRevision !== undefined && revision < minRevision) {
      return [`${id} asked for revision ${minRevision} and was answered ${revision}`];
    }
    if (revision > log.length) return [`${id} was answered revision ${revision}, which is not in the log`];
    const event = bySubject.get(subject)?.findLast((one) => one.revision <= revision);
    const wanted: { readonly value: Value; readonly version: number } = event ?? { value: null, version: 0 };
    const isEqual = wanted.value === value && (version ?? wanted.version) === wanted.version;
    return isEqual
      ? []
      : [`${id} was answered ${value} for ${subject} at revision ${revision}, where it was ${wanted.value}`];
  });
}

/** A server that told a revision does not go back behind it while it lives; so it reads its own writes. */
function brokenPerServer(operations: readonly Operation[]): readonly string[] {
  const broken: string[] = [];
  for (const own of groupBy(operations, ({ server }) => server).values()) {
    const told = own
      .flatMap((one) => (one.return === undefined ? [] : [{ at: one.return, revision: heardRevision(one) }]))
      .sort((a, b) => a.at - b.at);
    let next = 0;
    let highest = 0;
    for (const read of own.filter((one) => one.kind === 'read').sort((a, b) => a.call - b.call)) {
      for (let one = told[next]; one !== undefined && one.at < read.call; one = told[++next]) {
        highest = Math.max(highest, one.revision);
      }
      if (read.revision < highest) {
        broken.push(`${read.id}: ${read.server} told revision ${highest} before and now ${read.revision}`);
      }
    }
  }
  return broken;
}
