/**
 * What a rollback asks (domain/restore-questions.ts), bound to a pool.
 */
import type pg from 'pg';
import type { RestoreReads } from '../domain/rollback/restore-questions.ts';
import { definitionsAt } from './definitions-at.ts';
import { lastingAssertions } from './lasting-assertions.ts';
import { modelsAt } from './models-at.ts';
import { knownChangesets, selectedEvents } from './selected-events.ts';
import { eventsOfSubjects, standingSubjects, subjectsSince } from './standing-subjects.ts';

export function bindRestoreReads(pool: pg.Pool): RestoreReads {
  return {
    selectedEvents: (...question) => selectedEvents(pool, ...question),
    knownChangesets: (...question) => knownChangesets(pool, ...question),
    subjectsSince: (...question) => subjectsSince(pool, ...question),
    standingSubjects: (...question) => standingSubjects(pool, ...question),
    eventsOfSubjects: (...question) => eventsOfSubjects(pool, ...question),
    lastingAssertions: (...question) => lastingAssertions(pool, ...question),
    async definitionsThen(ledger, asOf, keys) {
      const rows = await definitionsAt(pool, ledger, asOf, keys);
      return new Map(rows.map(({ key, definition, retired }) => [key, { definition, retired }]));
    },
    async modelsThen(ledger, asOf, ids) {
      const wanted = new Set(ids);
      // Their successors come along.
      const models = (await modelsAt(pool, ledger, asOf, ids)).filter(({ id }) => wanted.has(id));
      return new Map(models.map((model) => [model.id, model]));
    },
  };
}
