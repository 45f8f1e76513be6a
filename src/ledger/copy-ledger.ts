/**
 * Copies ledgers from one log engine to another: events, ids and times as they are, and the log's own name, so that what
 * was made of the old log goes on from the new one. In: two logs; out: a report of what stands in both.
 * It never cuts a changeset into two appends, never writes before it knows that all of it fits, and never calls a copy
 * done that it has not compared byte by byte. If we stop anywhere, another run goes on from what the target holds.
 */
import { Failure } from '../failure.ts';
import { compareLedgers, compareSample } from './compare-ledgers.ts';
import { changesetsAfter } from './copy-changesets.ts';
import { appendBytes, type Ledger, type StoredEvent } from './ledger.ts';

export interface CopyTarget extends Ledger {
  /** Gives a log that holds nothing the name of another one; answers the name that it has. */
  adopt(identity: string): Promise<string>;
}

export interface CopyOptions {
  readonly source: Ledger;
  readonly target: CopyTarget;
  /** Which ledgers; all of the source's when absent. */
  readonly ledgers?: readonly string[];
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  readonly ledger: string;
  readonly phase: 'measure' | 'copy' | 'compare';
  readonly revision: number;
  /** Where the source ends. */
  readonly of: number;
}

export interface CopiedLedger {
  readonly ledger: string;
  /** Events that both hold now. */
  readonly events: number;
  /** How many of them this run wrote. */
  readonly copied: number;
  readonly bytes: number;
  /** Of all events' bytes in order, one a line; the same of both. */
  readonly sha256: string;
}

export interface CopyReport {
  readonly identity: string;
  readonly ledgers: readonly CopiedLedger[];
  /** Events that came into the source while it was copied. All of them are copied, unless it went on growing. */
  readonly grownBy: number;
}

/** A batch is one append: as few as the target allows, and few enough to hold in memory. */
const batchBytes = 4 * 1024 * 1024;
/** Looks at a source that grows while it is copied; then somebody is writing to it for good. */
const maxRounds = 5;

/**
 * Failures: `conflict`, reasons `other_log` (the target is another log), `not_a_copy` (it holds other events), `target_moved`,
 * `source_grows`; `not_found` for a ledger that the source does not have; `refused`, reason `changeset_too_large`, before
 * anything is written; `unavailable`.
 */
export async function copyLog(options: CopyOptions): Promise<CopyReport> {
  const { source, target } = options;
  const names = await namesOf(options);
  for (const name of names) await measure(options, name);
  const identity = await source.identity();
  if ((await target.adopt(identity)) !== identity) {
    throw new Failure(
      'conflict',
      'the target is another log: it must be empty, or an earlier copy of this one',
      {
        reason: 'other_log',
      },
    );
  }
  for (const name of names) await compareSample(source, target, name);
  const copied = new Map<string, number>();
  let grownBy = 0;
  for (let round = 0; ; round += 1) {
    let found = 0;
    for (const name of names) {
      const count = await copyOne(options, name);
      copied.set(name, (copied.get(name) ?? 0) + count);
      found += count;
    }
    if (round > 0) grownBy += found;
    if (round > 0 && found === 0) break;
    if (round === maxRounds) throw sourceGrows();
  }
  const ledgers: CopiedLedger[] = [];
  for (const ledger of names) {
    const same = await compareLedgers(source, target, ledger, (revision, of) =>
      options.onProgress?.({ ledger, phase: 'compare', revision, of }),
    );
    if ((await source.head(ledger)).revision > same.events) throw sourceGrows();
    ledgers.push({ ledger, ...same, copied: copied.get(ledger) ?? 0 });
  }
  return { identity, ledgers, grownBy };
}

async function namesOf({ source, ledgers }: CopyOptions): Promise<readonly string[]> {
  const names = await source.names();
  if (ledgers === undefined) return names;
  for (const name of ledgers) {
    if (!names.includes(name)) throw new Failure('not_found', `the source has no ledger ${name}`);
  }
  return [...new Set(ledgers)];
}

/** Whether all that is still to be copied can be: nothing is written before that is known. */
async function measure({ source, target, onProgress }: CopyOptions, ledger: string): Promise<void> {
  const after = (await target.head(ledger)).revision;
  const { revision: of } = await source.head(ledger);
  if (after > of) throw notACopy(`ledger ${ledger} of the target is longer than the source's`);
  for await (const changeset of changesetsAfter(source, ledger, after)) {
    const bytes = appendBytes(changeset, target.eventOverheadBytes);
    const [first, last] = [changeset[0]?.revision ?? 0, changeset.at(-1)?.revision ?? 0];
    if (bytes > target.maxChangesetBytes) throw tooLarge(ledger, first, last, bytes, target);
    onProgress?.({ ledger, phase: 'measure', revision: last, of });
  }
}

/** Copies what the target does not have; answers how many events that were. */
async function copyOne(options: CopyOptions, ledger: string): Promise<number> {
  const { source, target, onProgress } = options;
  const start = (await target.head(ledger)).revision;
  const { revision: of } = await source.head(ledger);
  const most = Math.min(target.maxChangesetBytes, batchBytes);
  let at = start;
  let batch: StoredEvent[] = [];
  let bytes = 0;
  const write = async () => {
    if (batch.length === 0) return;
    if (!(await target.append(ledger, at, batch)).appended) throw targetMoved(ledger, at);
    at += batch.length;
    batch = [];
    bytes = 0;
    onProgress?.({ ledger, phase: 'copy', revision: at, of });
  };
  for await (const changeset of changesetsAfter(source, ledger, start)) {
    const more = appendBytes(changeset, target.eventOverheadBytes);
    // It came while we copied: then what stands before it is whole, and the next run says the same at once.
    if (more > target.maxChangesetBytes) {
      throw tooLarge(ledger, changeset[0]?.revision ?? 0, changeset.at(-1)?.revision ?? 0, more, target);
    }
    if (bytes + more > most) await write();
    batch.push(...changeset);
    bytes += more;
  }
  await write();
  return at - start;
}

function tooLarge(ledger: string, first: number, last: number, bytes: number, target: Ledger): Failure {
  const hint =
    target.engine === 'eventstoredb'
      ? "; raise the server's MaxAppendSize (KURRENTDB_MAX_APPEND_SIZE) and EVENTSTORE_MAX_APPEND_BYTES alike"
      : '';
  return new Failure(
    'refused',
    `the changeset of revisions ${first} to ${last} of ledger ${ledger} takes ${bytes} bytes, the target at most ${target.maxChangesetBytes} at once${hint}`,
    { reason: 'changeset_too_large' },
  );
}

function notACopy(message: string): Failure {
  return new Failure('conflict', message, { reason: 'not_a_copy' });
}

function targetMoved(ledger: string, at: number): Failure {
  return new Failure('conflict', `somebody else writes to ledger ${ledger} of the target after ${at}`, {
    reason: 'target_moved',
  });
}

function sourceGrows(): Failure {
  return new Failure(
    'conflict',
    'the source goes on growing: stop the servers that write to it, then run this again',
    {
      reason: 'source_grows',
    },
  );
}
