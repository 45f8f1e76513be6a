/**
 * The questions of the time machine, for an assembly without a database: there is none to ask. Their routes are tested on
 * the whole product; here they only have to be there, so that bad requests and roles are tested with the others.
 */
import type { BlameReads } from '../../src/domain/blame-questions.ts';
import type { CompareReads } from '../../src/domain/compare/compare-questions.ts';
import type { DiffReads } from '../../src/domain/diff-questions.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import type { RestoreReads } from '../../src/domain/rollback/restore-questions.ts';
import type { UsageReads } from '../../src/domain/usage/usage-questions.ts';
import { Failure } from '../../src/failure.ts';
import { replayedDifferences } from './replayed-differences.ts';
import { replayedFirstDifference } from './replayed-first-difference.ts';

const absent = async () => Promise.reject(new Failure('unavailable', 'there is no database here'));

type EventsOf = (ledger: string) => Promise<readonly RecordedEvent[]>;

export function timeMachineReads(
  eventsOf: EventsOf,
): BlameReads & CompareReads & DiffReads & RestoreReads & UsageReads {
  return {
    async differences(ledger, question, { limit }) {
      const items = replayedDifferences(await eventsOf(ledger), question);
      return { to: question.to, items: items.slice(0, limit), nextCursor: null };
    },
    firstDifference: async (ledger, question) => replayedFirstDifference(await eventsOf(ledger), question),
    deprecations: async () => new Map(),
    subjectsAt: absent,
    selectedEvents: absent,
    knownChangesets: absent,
    subjectsSince: absent,
    standingSubjects: absent,
    eventsOfSubjects: absent,
    lastingAssertions: absent,
    definitionsThen: absent,
    modelsThen: absent,
    contextsSeen: async () => [],
    usagePage: async () => [],
    pricesOfModels: async () => new Map(),
    correctionsSince: async () => [],
    async revisionsAt(ledger, times) {
      const events = await eventsOf(ledger);
      return times.map(
        (time) => events.findLast(({ recordedAt }) => Date.parse(recordedAt) <= time)?.revision ?? 0,
      );
    },
  };
}
