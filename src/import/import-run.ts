/**
 * An import from its first line to its report: one changeset a commit, in the order of the file.
 * In: lines, and a way to send a changeset; out: counts, and what was left out and why. Stopped anywhere it is simply
 * run again: what the ledger has taken answers its first result under the same idempotency key, and adds nothing.
 */
import { type Change, maxChanges } from '../domain/change.ts';
import { Failure } from '../failure.ts';
import { type ImportRecord, readRecord } from './history-record.ts';
import { changesOf, createImportState, type ImportState, type LeftOut } from './models-dev.ts';

/** A changeset as it is sent. */
export interface OutgoingChangeset {
  readonly reason: string;
  readonly changes: readonly Change[];
}

/** What the server answered. */
export interface ChangesetReply {
  readonly events: readonly { readonly type: string }[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** Whether it is the first answer again, to a request that was made before. */
  readonly isReplay: boolean;
}

export type SendChangeset = (
  changeset: OutgoingChangeset,
  options: { readonly idempotencyKey: string },
) => Promise<ChangesetReply>;

export interface ImportProgress {
  readonly records: number;
  readonly changesets: number;
  readonly commit: string;
}

export interface ImportRun {
  /** The lines of the file, from the first one on; empty lines are passed over. */
  readonly lines: AsyncIterable<string>;
  readonly send: SendChangeset;
  /** Called after each commit. */
  readonly progress?: (progress: ImportProgress) => void;
}

export interface ImportReport {
  readonly records: number;
  /** `replayed` were in the ledger before; `unchanged` had nothing to say. */
  readonly changesets: { readonly added: number; readonly replayed: number; readonly unchanged: number };
  /** Events that this run added, by type. */
  readonly events: Readonly<Record<string, number>>;
  /** How often each warning was given to a changeset that this run added, by code. */
  readonly warnings: Readonly<Record<string, number>>;
  readonly leftOut: readonly LeftOut[];
}

interface Counts {
  records: number;
  readonly changesets: { added: number; replayed: number; unchanged: number };
  readonly events: Record<string, number>;
  readonly warnings: Record<string, number>;
  readonly leftOut: LeftOut[];
}

/**
 * Imports a models.dev history.
 * @throws Failure `invalid` for a bad line, and whatever `send` throws, both naming line or commit; what was sent stays
 */
export async function runImport(run: ImportRun): Promise<ImportReport> {
  const state = createImportState();
  const counts: Counts = {
    records: 0,
    changesets: { added: 0, replayed: 0, unchanged: 0 },
    events: {},
    warnings: {},
    leftOut: [],
  };
  for await (const records of commitsOf(run.lines)) {
    await sendCommit(run, state, records, counts);
    const { added, replayed, unchanged } = counts.changesets;
    run.progress?.({
      records: counts.records,
      changesets: added + replayed + unchanged,
      commit: records[0].commit,
    });
  }
  return counts;
}

type Commit = readonly [ImportRecord, ...ImportRecord[]];

/** The records of each commit; a commit that comes back after another one would be a second changeset of one name. */
async function* commitsOf(lines: AsyncIterable<string>): AsyncGenerator<Commit> {
  const seen = new Set<string>();
  let open: [ImportRecord, ...ImportRecord[]] | undefined;
  let lineNumber = 0;
  for await (const line of lines) {
    lineNumber += 1;
    if (line.trim() === '') continue;
    const record = readRecord(line, lineNumber);
    if (open !== undefined && open[0].commit === record.commit) {
      open.push(record);
      continue;
    }
    if (open !== undefined) yield open;
    if (seen.has(record.commit)) {
      throw new Failure(
        'invalid',
        `line ${lineNumber}: commit ${record.commit} comes back after another one`,
        {
          reason: 'commit_split',
        },
      );
    }
    seen.add(record.commit);
    open = [record];
  }
  if (open !== undefined) yield open;
}

async function sendCommit(
  run: ImportRun,
  state: ImportState,
  records: Commit,
  counts: Counts,
): Promise<void> {
  const { commit, at, line } = records[0];
  const { changes, leftOut } = changesOf(state, records);
  counts.records += records.length;
  counts.leftOut.push(...leftOut);
  if (changes.length === 0) {
    counts.changesets.unchanged += 1;
    return;
  }
  const where = `commit ${commit} (lines ${line} to ${line + records.length - 1})`;
  if (changes.length > maxChanges) {
    throw new Failure('invalid', `${where} makes ${changes.length} changes, more than ${maxChanges}`);
  }
  const reply = await run
    .send({ reason: `models.dev ${commit} of ${at}`, changes }, { idempotencyKey: `models.dev:${commit}` })
    .catch((error: unknown) => {
      throw naming(where, error);
    });
  if (reply.isReplay) {
    counts.changesets.replayed += 1;
    return;
  }
  counts.changesets.added += 1;
  for (const { type } of reply.events) counts.events[type] = (counts.events[type] ?? 0) + 1;
  for (const { code } of reply.warnings) counts.warnings[code] = (counts.warnings[code] ?? 0) + 1;
}

function naming(where: string, error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  return new Failure(error.code, `${where}: ${error.message}`, {
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    details: error.details,
    cause: error,
  });
}
