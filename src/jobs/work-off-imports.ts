/**
 * Works off imports through the one writer: changeset by changeset, in their order, each under its own idempotency key.
 * In: open imports in their tables; out: events in the ledger, and how far it has come.
 *
 * If we die after a changeset is in the ledger and before the import has moved on, whoever takes the import over sends
 * that changeset again and gets its first answer: nothing is brought in twice. A wiped queue loses only the word that
 * there is something to do; the next scheduled run finds the import open.
 */
import type pg from 'pg';
import type { ImportRecord } from '../domain/background-questions.ts';
import { importedChangesetSchema } from '../domain/import-line.ts';
import { Failure } from '../failure.ts';
import type { ChangesetRequest } from '../ledger/changeset.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import {
  advanceImport,
  claimImport,
  type ImportStep,
  nextChangesets,
  releaseImport,
} from '../queries/imports.ts';

export interface ImportsOptions {
  readonly pool: pg.Pool;
  /** Opens a ledger of this process; undefined when there is none of that name. */
  readonly openLedger: (name: string) => Promise<Pick<LiveLedger, 'submit'> | undefined>;
  readonly isStopping: () => boolean;
}

/** Longer than any one changeset takes; it is renewed with each. */
const leaseMs = 60_000;
const pageSize = 10;

type Handed = Awaited<ReturnType<typeof nextChangesets>>[number];

/** Works until no import waits; answers how many changesets were done. Failures: what is no answer of the ledger. */
export async function workOffImports(options: ImportsOptions): Promise<number> {
  let done = 0;
  while (!options.isStopping()) {
    const record = await claimImport(options.pool, leaseMs);
    if (record === undefined) break;
    const worked = await workOff(options, record);
    done += worked.changesets;
    // What cannot go on for now would be claimed again at once.
    if (worked.hasStopped) break;
  }
  return done;
}

interface Worked {
  readonly changesets: number;
  readonly hasStopped: boolean;
}

async function workOff(options: ImportsOptions, record: ImportRecord): Promise<Worked> {
  const { pool, isStopping } = options;
  let position = record.done;
  const worked = (hasStopped: boolean) => ({ changesets: position - record.done, hasStopped });
  try {
    const ledger = await options.openLedger(record.ledger);
    if (ledger === undefined) throw new Failure('not_found', `there is no ledger ${record.ledger}`);
    for (;;) {
      const page = await nextChangesets(pool, record.id, position, pageSize);
      for (const handed of page) {
        if (isStopping()) {
          await releaseImport(pool, record.id, 'the server stops', false);
          return worked(true);
        }
        const step = await bringIn(ledger, record, position, handed);
        if (!(await advanceImport(pool, record.id, position, step, leaseMs))) return worked(false);
        position += 1;
      }
      if (page.length < pageSize) return worked(false);
    }
  } catch (error) {
    const isPassing = error instanceof Failure && (error.code === 'unavailable' || error.code === 'limited');
    const message = error instanceof Failure ? error.message : 'internal error';
    await releaseImport(pool, record.id, message, !isPassing);
    if (!isPassing) throw error;
    return worked(true);
  }
}

/** One changeset; what the ledger's rules say against it is an answer, an outage is thrown. */
async function bringIn(
  ledger: Pick<LiveLedger, 'submit'>,
  record: ImportRecord,
  position: number,
  handed: Handed,
): Promise<ImportStep> {
  try {
    const { events, replayed } = await ledger.submit(requestOf(record, handed));
    return replayed ? { kind: 'replayed' } : { kind: 'brought', events: events.length };
  } catch (error) {
    if (!(error instanceof Failure) || !isAnswer(error)) throw error;
    const { code, reason = null, message } = error;
    const { idempotencyKey } = handed;
    return { kind: 'refused', refusal: { line: position + 1, idempotencyKey, code, reason, message } };
  }
}

function isAnswer({ code }: Failure): boolean {
  return code === 'invalid' || code === 'refused' || code === 'conflict';
}

function requestOf(
  { id, actor }: ImportRecord,
  { idempotencyKey, bodyHash, changeset }: Handed,
): ChangesetRequest {
  return {
    ...importedChangesetSchema.parse(changeset),
    actor,
    source: 'import',
    requestId: `import-${id}`,
    idempotency: { key: idempotencyKey, bodyHash },
  };
}
