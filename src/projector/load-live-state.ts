/**
 * The live state at start: the subjects' rows at their checkpoint, then the rest of the log.
 * Rows come in from `subjects` in pages of one snapshot, events from the Ledger port; a LiveState at the log's end goes
 * out. Memory is bounded by the state itself, a page, and what is interned.
 */
import type pg from 'pg';
import { transaction } from '../database/pool.ts';
import { LiveState } from '../domain/live-state.ts';
import type { SubjectState } from '../domain/subject-state.ts';
import { Failure } from '../failure.ts';
import { decodeEvent } from '../ledger/event-codec.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createInterner } from './interner.ts';
import type { ProjectionTransaction } from './projection.ts';
import { subjectStates } from './subject-states.ts';

const pageRows = 5_000;
const pageEvents = 5_000;

/**
 * The state of a ledger at its log's end; empty for an empty ledger. Without a checkpoint of this code's version all of
 * the log is folded. Failures: `conflict`, reason `other_log` or `log_behind_checkpoint`; `corrupt` for a log that
 * does not fold; `unavailable`.
 */
export async function loadLiveState(pool: pg.Pool, ledger: string, log: Ledger): Promise<LiveState> {
  const state = new LiveState();
  const logId = await log.identity();
  await transaction(
    pool,
    async (tx) => {
      const revision = await readRevision(tx, ledger, logId);
      if (revision === 0) return;
      // What has not started yet is told from this time.
      state.recordedAt = await recordedAtOf(log, ledger, revision);
      await putSubjects(tx, ledger, state);
      state.revision = revision;
    },
    { readOnly: true, reading: ['projection_checkpoints', 'subjects'] },
  );
  await foldRest(log, ledger, state);
  return state;
}

async function readRevision(tx: ProjectionTransaction, ledger: string, logId: string): Promise<number> {
  const found = await tx.query<{ revision: number; logId: string }>(
    `select c.revision, c.log_id as "logId"
       from projection_checkpoints c
      where c.ledger = $1 and c.projection = $2 and c.version = $3`,
    [ledger, subjectStates.name, subjectStates.version],
  );
  const checkpoint = found.rows[0];
  if (checkpoint === undefined) return 0;
  if (checkpoint.logId !== logId) {
    throw new Failure('conflict', `The read models of ledger ${ledger} were made from another log`, {
      reason: 'other_log',
    });
  }
  return checkpoint.revision;
}

async function recordedAtOf(log: Ledger, ledger: string, revision: number): Promise<number> {
  const [event] = await log.read(ledger, revision - 1, 1);
  if (event?.revision === revision) return event.recordedAt;
  throw new Failure('conflict', `The log of ledger ${ledger} ends before what was made from it`, {
    reason: 'log_behind_checkpoint',
  });
}

/**
 * Pages by key, joined by the database to one text each: for a million rows that costs 3.1 s of this thread and 1.5 s of
 * the database, beside it; a cursor with a row each 4.6 s and 0.7 s. The next page is read while this one is put.
 */
async function putSubjects(tx: ProjectionTransaction, ledger: string, state: LiveState): Promise<void> {
  const intern = createInterner();
  let page = await readPage(tx, ledger, '');
  while (page !== undefined) {
    const next = readPage(tx, ledger, page.lastSubject);
    // Its failure is met where it is awaited; until then nobody may call it unhandled.
    next.catch(() => undefined);
    const subjects = page.subjects.split('\n');
    const states = JSON.parse(`[${page.states}]`) as readonly SubjectState[];
    if (subjects.length !== states.length) {
      throw new Failure('corrupt', 'the name of a subject is more than a line', { reason: 'bad_subject' });
    }
    for (const [index, subject] of subjects.entries()) {
      const read = states[index];
      if (read !== undefined) state.put(subject, intern(read));
    }
    page = await next;
  }
}

interface SubjectPage {
  readonly lastSubject: string;
  /** A line each; names hold no control characters. */
  readonly subjects: string;
  /** JSON, with commas between. */
  readonly states: string;
}

async function readPage(
  tx: ProjectionTransaction,
  ledger: string,
  after: string,
): Promise<SubjectPage | undefined> {
  const found = await tx.query<SubjectPage | { readonly lastSubject: null }>({
    name: 'subjects_page',
    text: `select max(page.subject) as "lastSubject",
                  string_agg(page.subject, E'\\n') as subjects, string_agg(page.state::text, ',') as states
             from (select subject, state from subjects
                    where ledger = $1 and subject > $2 order by subject limit $3) as page`,
    values: [ledger, after, pageRows],
  });
  const page = found.rows[0];
  return page === undefined || page.lastSubject === null ? undefined : page;
}

async function foldRest(log: Ledger, ledger: string, state: LiveState): Promise<void> {
  let events = await log.read(ledger, state.revision, pageEvents);
  while (events.length > 0) {
    for (const event of events) state.apply(decodeEvent(event));
    events = await log.read(ledger, state.revision, pageEvents);
  }
}
