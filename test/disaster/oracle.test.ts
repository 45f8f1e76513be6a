/**
 * The oracle sees what it must see: a sound history is passed, and every planted fault is named.
 * Each plant is a copy of the sound history with one thing changed.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnsweredEvent, ChangesetAnswer, Entry } from './book.ts';
import { type Evidence, judge, type ViolationKind } from './oracle.ts';
import { noPast, pastWith } from './past.ts';
import { createRandom } from './random.ts';
import { fallback, keys, makeChangeset, type SentChangeset, scopes, subjectOf } from './workload.ts';

interface Story {
  entries: Entry[];
  log: AnsweredEvent[];
}

const setup: AnsweredEvent = {
  revision: 1,
  type: 'KeyDefined',
  subject: 'key:disaster.red',
  value: undefined,
  recordedAt: timeOf(1),
  changesetId: 'setup',
  last: true,
};

function timeOf(revision: number): string {
  return new Date(Date.UTC(2026, 0, 1) + revision).toISOString();
}

/** As many acknowledged changesets as asked for, the first with several events, and a refused one. */
function soundStory(seed: number, count: number): Story {
  const random = createRandom(seed);
  const log = [setup];
  const entries = Array.from({ length: count }, (_, index): Entry => {
    let sent = makeChangeset(`m${index}`, random);
    while (index === 0 && sent.assertions.length < 3) sent = makeChangeset(`m${index}`, random);
    const events = record(sent, `id-${index}`, log.length + 1);
    log.push(...events);
    return { sent, state: 'acknowledged', answer: answerOf(events), wasUnknown: false };
  });
  const refused = makeChangeset('refused', random);
  entries.push({ sent: refused, state: 'refused', answer: undefined, wasUnknown: false });
  return { entries, log };
}

function record(sent: SentChangeset, changesetId: string, first: number): AnsweredEvent[] {
  return sent.assertions.map((assertion, index) => ({
    revision: first + index,
    type: 'OverrideSet',
    subject: subjectOf(assertion),
    value: assertion.value,
    recordedAt: timeOf(first),
    changesetId,
    last: index === sent.assertions.length - 1,
  }));
}

function answerOf(events: readonly AnsweredEvent[]): ChangesetAnswer {
  const first = events[0]?.revision ?? 0;
  return { changesetId: events[0]?.changesetId ?? '', first, last: first + events.length - 1, events };
}

/** What a server would tell whose log is this one. */
function evidenceOf(log: readonly AnsweredEvent[]): Evidence {
  const newest = new Map(log.map(({ subject, value }) => [subject, value]));
  const values = scopes.flatMap((scope) =>
    keys.map((key) => ({
      key,
      scope,
      value:
        newest.get(subjectOf({ key, scope })) ?? newest.get(subjectOf({ key, scope: 'global' })) ?? fallback,
    })),
  );
  const ids = new Set(log.map(({ changesetId }) => changesetId));
  const changesets = new Map(
    [...ids].map((id) => [id, answerOf(log.filter(({ changesetId }) => changesetId === id))]),
  );
  return {
    past: noPast,
    log,
    head: log.length,
    history: log,
    changesets,
    values: { memory: values, tables: values },
    projections: [{ name: 'history', revision: log.length, state: 'running' }],
  };
}

/** Revisions as if nothing had ever been missing: then only the promise tells that it is. */
function renumbered(log: readonly AnsweredEvent[]): AnsweredEvent[] {
  return log.map((event, index) => ({ ...event, revision: index + 1 }));
}

function kindsOf(entries: readonly Entry[], evidence: Evidence): readonly ViolationKind[] {
  return [...new Set(judge(entries, evidence).violations.map(({ kind }) => kind))];
}

function changesetEvents({ log }: Story, id: string): AnsweredEvent[] {
  return log.filter(({ changesetId }) => changesetId === id);
}

describe('a sound history', () => {
  test('is passed', () => {
    const { entries, log } = soundStory(1, 30);
    expect(judge(entries, evidenceOf(log))).toEqual({ lost: 0, torn: 0, duplicates: 0, violations: [] });
  });
});

describe('planted in the log', () => {
  test('a lost changeset, also the newest one', () => {
    for (const id of ['id-0', 'id-5', 'id-9']) {
      const { entries, log } = soundStory(2, 10);
      const verdict = judge(
        entries,
        evidenceOf(renumbered(log.filter(({ changesetId }) => changesetId !== id))),
      );
      expect(verdict).toMatchObject({ lost: 1, torn: 0, duplicates: 0 });
    }
  });

  test.each([0, 1, -1])('a torn changeset: without its event %i', (place) => {
    const { entries, log } = soundStory(3, 10);
    const missing = changesetEvents({ entries, log }, 'id-0').at(place);
    const verdict = judge(entries, evidenceOf(renumbered(log.filter((event) => event !== missing))));
    expect(verdict).toMatchObject({ lost: 0, torn: 1, duplicates: 0 });
  });

  test('a torn changeset whose last event looks whole', () => {
    const { entries, log } = soundStory(3, 1);
    const kept = log
      .slice(0, -1)
      .map((event, index) => ({ ...event, last: index === log.length - 2 || event.last }));
    expect(judge(entries, evidenceOf(kept))).toMatchObject({ lost: 0, torn: 1 });
  });

  test('a changeset that another one stands in the middle of', () => {
    const story = soundStory(4, 2);
    const [first, ...rest] = changesetEvents(story, 'id-0');
    if (first === undefined) throw new Error('the first changeset has several events');
    const log = renumbered([setup, first, ...changesetEvents(story, 'id-1'), ...rest]);
    expect(judge(story.entries, evidenceOf(log)).torn).toBeGreaterThan(0);
  });

  test('a changeset that was done twice', () => {
    const { entries, log } = soundStory(5, 10);
    const sent = entries[0]?.sent;
    if (sent === undefined) throw new Error('there is a first one');
    const twice = [...log, ...record(sent, 'id-again', log.length + 1)];
    expect(judge(entries, evidenceOf(twice))).toMatchObject({ lost: 0, torn: 0, duplicates: 1 });
  });

  test('a refused changeset that was done, and one that nobody sent', () => {
    const { entries, log } = soundStory(6, 5);
    const refused = entries.at(-1)?.sent ?? makeChangeset('none', createRandom(1));
    expect(kindsOf(entries, evidenceOf([...log, ...record(refused, 'x', log.length + 1)]))).toEqual([
      'ghost',
    ]);
    const stranger = makeChangeset('stranger', createRandom(1));
    expect(kindsOf(entries, evidenceOf([...log, ...record(stranger, 'x', log.length + 1)]))).toEqual([
      'ghost',
    ]);
  });

  test('a gap, a clock that runs backwards, a head beyond the end', () => {
    const { entries, log } = soundStory(7, 5);
    const gap = log.map((event) => (event.revision < 4 ? event : { ...event, revision: event.revision + 1 }));
    expect(kindsOf(entries, evidenceOf(gap))).toContain('gap');
    const back = log.map((event, index) =>
      index === log.length - 1 ? { ...event, recordedAt: timeOf(0) } : event,
    );
    expect(kindsOf(entries, evidenceOf(back))).toContain('clock');
    expect(kindsOf(entries, { ...evidenceOf(log), head: log.length + 1 })).toContain('gap');
  });

  test('property: any event that is taken out or changed is noticed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(),
        fc.boolean(),
        (seed, count, at, out) => {
          const { entries, log } = soundStory(seed, count);
          const index = 1 + (at % (log.length - 1));
          const planted = out
            ? renumbered(log.filter((_, place) => place !== index))
            : log.map((event, place) =>
                place === index ? { ...event, value: `${String(event.value)}0` } : event,
              );
          expect(judge(entries, evidenceOf(planted)).violations).not.toEqual([]);
        },
      ),
    );
  });
});

describe('planted elsewhere', () => {
  test('an answer with other revisions than the log', () => {
    const { entries, log } = soundStory(8, 5);
    const moved = entries.map((entry, index) =>
      index === 0 && entry.answer !== undefined
        ? { ...entry, answer: { ...entry.answer, first: entry.answer.first + 1 } }
        : entry,
    );
    expect(kindsOf(moved, evidenceOf(log))).toEqual(['altered']);
  });

  test('answer and log that agree with each other, and not with what was sent', () => {
    const { entries, log } = soundStory(8, 1);
    const other = log.map((event, index) =>
      index === 1 ? { ...event, subject: 'override:other@global' } : event,
    );
    const agreeing = entries.map((entry) =>
      entry.state === 'acknowledged' ? { ...entry, answer: answerOf(other.slice(1)) } : entry,
    );
    expect(kindsOf(agreeing, evidenceOf(other))).toEqual(['altered']);
  });

  test.each(['pending', 'unknown'] as const)('a changeset that stays %s', (state) => {
    const { entries, log } = soundStory(9, 5);
    const open = entries.map((entry, index) =>
      index === 2 ? { ...entry, state, answer: undefined } : entry,
    );
    expect(kindsOf(open, evidenceOf(log))).toEqual(['unresolved']);
  });

  test('read models that tell another story', () => {
    const { entries, log } = soundStory(10, 5);
    const sound = evidenceOf(log);
    const told = log.map((event, index) => (index === 3 ? { ...event, value: 'else' } : event));
    expect(kindsOf(entries, { ...sound, history: told })).toEqual(['history']);
    expect(kindsOf(entries, { ...sound, history: log.slice(0, -1) })).toEqual(['history']);
    expect(kindsOf(entries, { ...sound, changesets: new Map([['id-1', undefined]]) })).toEqual(['changeset']);
    const [first, ...rest] = sound.values['memory'] ?? [];
    const stale = first === undefined ? [] : [{ ...first, value: 'stale' }, ...rest];
    expect(kindsOf(entries, { ...sound, values: { ...sound.values, tables: stale } })).toEqual(['value']);
    expect(kindsOf(entries, { ...sound, values: { memory: rest } })).toEqual(['value']);
    const behind = [{ name: 'history', revision: log.length - 1, state: 'running' }];
    expect(kindsOf(entries, { ...sound, projections: behind })).toEqual(['projection']);
    const stopped = [{ name: 'history', revision: log.length, state: 'stopped' }];
    expect(kindsOf(entries, { ...sound, projections: stopped })).toEqual(['projection']);
    expect(kindsOf(entries, { ...sound, projections: [] })).toEqual(['projection']);
  });
});

describe('an audit that goes on where another one ended', () => {
  /** The first half was judged before; only the second is read back. */
  const halves = (seed: number) => {
    const { entries, log } = soundStory(seed, 8);
    const whole = evidenceOf(log);
    const cut = log.findIndex(({ changesetId }) => changesetId === 'id-4');
    const past = pastWith(noPast, log.slice(0, cut));
    const rest = log.slice(cut);
    const evidence = { ...whole, past, log: rest, history: rest, changesets: new Map() };
    return { entries: entries.slice(4), evidence, log, cut };
  };

  test('passes a sound history', () => {
    const { entries, evidence } = halves(3);
    expect(judge(entries, evidence).violations).toEqual([]);
  });

  test('sees that something of the past was done again', () => {
    const { entries, evidence, log, cut } = halves(3);
    const again = log.slice(1, cut).filter(({ changesetId }) => changesetId === 'id-0');
    const moved = again.map((event, index) => ({
      ...event,
      changesetId: 'again',
      revision: log.length + 1 + index,
      recordedAt: evidence.log.at(-1)?.recordedAt ?? '',
    }));
    const longer = [...evidence.log, ...moved];
    const head = log.length + moved.length;
    expect(judge(entries, { ...evidence, log: longer, history: longer, head }).duplicates).toBe(1);
  });

  test('sees a gap to the past', () => {
    const { entries, evidence } = halves(3);
    const log = evidence.log.map((event) => ({ ...event, revision: event.revision + 1 }));
    const kinds = judge(entries, { ...evidence, log, history: log }).violations.map(({ kind }) => kind);
    expect(kinds).toContain('gap');
  });
});
