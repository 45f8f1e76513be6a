/**
 * Random stories in a database for the laws of rolling back: told as the writer would record them, projected as the
 * projector would.
 */
import fc from 'fast-check';
import type pg from 'pg';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { project, type Step, tell } from '../queries/ledger-story.ts';
import { type anyChange, beginning, moments } from '../support/random-histories.ts';

const hourMs = 3_600_000;
const start = moments[0] ?? 0;

const step = (changes: typeof anyChange) =>
  fc.record({
    hours: fc.integer({ min: 0, max: 3 }),
    changes: fc.array(changes, { minLength: 1, maxLength: 3 }),
    actor: fc.constantFrom('alice', 'bob'),
  });

/** Changesets of alice and bob, hours apart. */
export const steps = (changes: typeof anyChange) => fc.array(step(changes), { minLength: 2, maxLength: 14 });

let told = 0;

export interface Told {
  readonly ledger: string;
  readonly events: readonly RecordedEvent[];
  /** Of the last event. */
  readonly end: number;
}

/** Tells a story after the beginning that every one has, and writes its rows; what the rules refuse leaves no trace. */
export async function tellAndProject(
  pool: pg.Pool,
  drawn: readonly (Omit<Step, 'at'> & { readonly hours: number })[],
): Promise<Told> {
  told += 1;
  const ledger = `law-${told}`;
  let at = start;
  const story: Step[] = [{ at, changes: beginning.changes }];
  for (const { hours, ...rest } of drawn) {
    at += hours * hourMs;
    story.push({ at, ...rest });
  }
  const events = tell(ledger, story, true);
  await project(pool, events);
  return { ledger, events, end: at };
}

/** Projects what comes after. */
export async function projectMore(pool: pg.Pool, events: readonly RecordedEvent[]): Promise<void> {
  await pool.query('delete from projection_checkpoints where ledger = $1', [events[0]?.ledger]);
  await project(pool, events);
}
