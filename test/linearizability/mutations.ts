/**
 * Ways to spoil a right history, each breaking one promise for sure. In: a history and random numbers; out: the spoilt
 * one, or undefined where this history gives no chance for it.
 */
import type { Random } from '../disaster/random.ts';
import type { History, LogEvent, Operation, Read, Write } from './history.ts';

type Mutation = (history: History, random: Random) => History | undefined;

type DoneWrite = Write & { readonly outcome: Extract<Write['outcome'], { kind: 'done' }> };

const isDone = (one: Operation): one is DoneWrite => one.kind === 'write' && one.outcome.kind === 'done';
const isRead = (one: Operation): one is Read => one.kind === 'read';

export const mutations: Readonly<Record<string, Mutation>> = {
  'an acknowledged changeset is lost': (history, random) => {
    const lost = pick(history.operations.filter(isDone), random);
    if (lost === undefined) return undefined;
    return { ...history, log: renumbered(history.log.filter(({ writeId }) => writeId !== lost.id)) };
  },
  'a changeset is applied twice': (history, random) => {
    const twice = pick(history.operations.filter(isDone), random);
    if (twice === undefined) return undefined;
    const again = history.log
      .filter(({ writeId }) => writeId === twice.id)
      .map((event) => ({ ...event, changesetId: `${event.changesetId}-again` }));
    return { ...history, log: renumbered([...history.log, ...again]) };
  },
  'a write that was told to have failed is applied': (history, random) => {
    const failed = pick(
      history.operations.filter(
        (one): one is Write =>
          one.kind === 'write' && (one.outcome.kind === 'refused' || one.outcome.kind === 'moved'),
      ),
      random,
    );
    const change = failed?.changes[0];
    if (failed === undefined || change === undefined) return undefined;
    const event = { ...change, changesetId: `c-${failed.id}`, last: true, writeId: failed.id };
    const recordedAt = history.log.at(-1)?.recordedAt ?? 0;
    return {
      ...history,
      log: renumbered([...history.log, { ...event, revision: 0, version: 0, recordedAt }]),
    };
  },
  'a changeset is torn': (history, random) => {
    const torn = pick(
      history.log.filter(({ last }, place) => last && history.log[place - 1]?.last === false),
      random,
    );
    return torn && { ...history, log: renumbered(history.log.filter((event) => event !== torn)) };
  },
  'a read is of another moment than it says': (history, random) => {
    const reads = history.operations.filter(isRead).filter(({ subject, value }) => {
      const values = history.log.filter((event) => event.subject === subject).map((event) => event.value);
      return values.some((one) => one !== value);
    });
    const read = pick(reads, random);
    if (read === undefined) return undefined;
    const { value } =
      history.log.find((event) => event.subject === read.subject && event.value !== read.value) ?? read;
    return replaced(history, read, { ...read, value, version: undefined });
  },
  'minRevision is not waited for': (history, random) =>
    readOfThePast(
      history,
      pick(
        history.operations.filter(isRead).filter(({ minRevision = 0 }) => minRevision > 0),
        random,
      ),
    ),
  'a fresh read is of the past': (history, random) => {
    const read = pick(
      history.operations.filter(isRead).filter(({ isFresh, minRevision = 0 }) => isFresh && minRevision > 0),
      random,
    );
    const spoilt = read && readOfThePast(history, read);
    const past = spoilt?.operations.find(({ id }) => id === read?.id);
    if (spoilt === undefined || past === undefined || !isRead(past)) return undefined;
    return replaced(spoilt, past, { ...past, minRevision: undefined });
  },
  'two win with one version': (history, random) => {
    const winner = pick(
      history.operations
        .filter(isDone)
        .filter(({ guard, changes }) => guard.kind === 'version' && changes.length === 1),
      random,
    );
    const event = winner?.outcome.events[0];
    if (winner === undefined || event === undefined) return undefined;
    const rival: DoneWrite = {
      ...winner,
      id: `${winner.id}-rival`,
      changes: [{ subject: event.subject, value: 'rival' }],
      outcome: {
        kind: 'done',
        changesetId: 'c-rival',
        events: [{ ...event, value: 'rival', revision: history.log.length + 1 }],
      },
    };
    // The log does not tell: only the subject's own history does.
    return { operations: [...history.operations, rival], log: history.log };
  },
  'what was written later comes first': (history) => {
    const writes = history.operations.filter(isDone);
    for (const later of writes) {
      const first = later.outcome.events[0]?.revision ?? 0;
      const earlier = writes.find(
        (one) =>
          (one.return ?? Number.POSITIVE_INFINITY) < later.call &&
          (one.outcome.events[0]?.revision ?? 0) < first,
      );
      if (earlier === undefined) continue;
      // As if the earlier one had been asked after the later one was answered.
      const call = (later.return ?? 0) + 1;
      return replaced(history, earlier, { ...earlier, call, return: call + 1 });
    }
    return undefined;
  },
};

/** The answer is consistent in itself, and of a revision before the one that was asked for. */
function readOfThePast(history: History, read: Read | undefined): History | undefined {
  if (read?.minRevision === undefined) return undefined;
  const revision = read.minRevision - 1;
  const event = history.log.findLast((one) => one.subject === read.subject && one.revision <= revision);
  return replaced(history, read, { ...read, revision, value: event?.value ?? null, version: undefined });
}

function replaced(history: History, old: Operation, by: Operation): History {
  return { ...history, operations: history.operations.map((one) => (one === old ? by : one)) };
}

/** Consistent in itself again, so that only the broken promise can show. */
function renumbered(log: readonly LogEvent[]): readonly LogEvent[] {
  const versions = new Map<string, number>();
  return log.map((event, place) => {
    const version = (versions.get(event.subject) ?? 0) + 1;
    versions.set(event.subject, version);
    return { ...event, revision: place + 1, version };
  });
}

function pick<Item>(items: readonly Item[], random: Random): Item | undefined {
  return items[random.below(items.length)];
}
