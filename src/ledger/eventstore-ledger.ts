/**
 * The log in an EventStoreDB or KurrentDB: each ledger is one stream. In: canonical bytes; out: the same bytes, kept as
 * binary events with their recorded time beside them (as JSON the client would parse and write them anew).
 * An append whose outcome is unknown is tried again with the same event ids, and at last looked for in the log. What the
 * server's client does wrong is kept away in eventstore-client.ts; what events mean is none of its business.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import { openStreams, type ProposedEvent, type StreamEvent } from './eventstore-client.ts';
import { eventId } from './eventstore-event-id.ts';
import { openEventStoreFollowing } from './eventstore-following.ts';
import { type LogRecords, openLogRecords } from './eventstore-records.ts';
import type { AppendResult, Head, LogHealth, OpenLedger, StoredEvent } from './ledger.ts';

export interface EventStoreLedgerOptions {
  /** `esdb:`, `esdb+discover:`, `kurrentdb:` or `kurrentdb+discover:`. */
  readonly url: string;
  /** The server's MaxAppendSize, bytes. */
  readonly maxAppendBytes: number;
  readonly newId: () => string;
  /** How often followers look at the log in case they were not told. */
  readonly pollMs: number;
  /** The longest that one call may take, milliseconds; 5,000 when absent. */
  readonly callTimeoutMs?: number;
  /** What the names of all streams begin with; `varve` when absent. Two logs on one server need two. */
  readonly prefix?: string;
}

export interface EventStoreLedger extends OpenLedger {
  /** Gives an empty log the name of the one that it is to be a copy of; answers the name that it has. */
  adopt(identity: string): Promise<string>;
}

const maxReadBytes = 8 * 1024 * 1024;
/** With its version: how the bytes were made (canonicalFormatVersion). */
const eventType = 'varve-event-1';
/**
 * The server counts data, metadata and twice the letters of the type: 13 × 2 and at most 34 for the metadata. The rest is
 * reserve. On the wire an event takes about 120 bytes more than its data (test/ledger/eventstore-size.test.ts).
 */
const eventOverheadBytes = 64;
const maxTries = 3;
const firstPauseMs = 50;

export function openEventStoreLedger(options: EventStoreLedgerOptions): EventStoreLedger {
  const { url, maxAppendBytes, newId, pollMs, callTimeoutMs = 5_000, prefix = 'varve' } = options;
  let state: LogHealth['state'] = 'connected';
  const streams = openStreams({
    url,
    callTimeoutMs,
    onAnswer: (hasAnswered) => {
      state = hasAnswered ? 'connected' : 'unreachable';
    },
  });
  const streamOf = (ledger: string) => `${prefix}_ledger-${encodeURIComponent(ledger)}`;
  const records: LogRecords = openLogRecords({ streams, prefix, newId, headOf: head });
  const following = openEventStoreFollowing({
    pollMs,
    headOf: async (ledger) => (await head(ledger)).revision,
    listen: (ledger, after, listener) => streams.listen(streamOf(ledger), after, listener),
  });

  async function head(ledger: string): Promise<Head> {
    const last = await streams.last(streamOf(ledger));
    return last === undefined
      ? { revision: 0, recordedAt: 0 }
      : { revision: last.revision, recordedAt: recordedAtOf(last) };
  }

  async function append(
    ledger: string,
    expectedRevision: number,
    events: readonly StoredEvent[],
  ): Promise<AppendResult> {
    const identity = await records.identity();
    if (expectedRevision === 0) await records.register(ledger);
    const proposed = events.map((event) => proposedOf(identity, ledger, event));
    const outcome = await appendSurely(ledger, expectedRevision, proposed);
    if (outcome === 'appended') {
      following.appended(ledger, expectedRevision + events.length);
      return { appended: true };
    }
    // Where it stands is asked of the stream itself, never taken from the client's answer.
    return { appended: false, head: await head(ledger) };
  }

  /** Tries again while the outcome is unknown. If we stop here, the events are all there or not at all. */
  async function appendSurely(ledger: string, after: number, proposed: readonly ProposedEvent[]) {
    const stream = streamOf(ledger);
    let unknown: Failure | undefined;
    for (let tries = 0; tries < maxTries; tries += 1) {
      if (tries > 0) await sleep(firstPauseMs * 4 ** (tries - 1), undefined, { ref: false });
      try {
        const outcome = await streams.append(stream, after, proposed);
        // The server knows our events again only right after the same revision: that they stand there is looked up.
        return outcome === 'elsewhere' && unknown !== undefined
          ? ((await lookUp(ledger, after, proposed)) ?? outcome)
          : outcome;
      } catch (error) {
        if (!isWorthRepeating(error)) throw error;
        if (error.reason === 'outcome_unknown' || unknown === undefined) unknown = error;
      }
    }
    const found = unknown?.reason === 'outcome_unknown' ? await lookUp(ledger, after, proposed) : undefined;
    if (found !== undefined) return found;
    throw unknown ?? new Error('an append was tried without an outcome');
  }

  /** What came of an append of which nothing was heard; undefined while it may still come, or nobody says. */
  async function lookUp(ledger: string, after: number, proposed: readonly ProposedEvent[]) {
    try {
      const last = await streams.last(streamOf(ledger));
      if (last === undefined || last.revision <= after) return undefined;
      const [first] = await streams.read(streamOf(ledger), after, 1, maxReadBytes);
      // An append is all or nothing: its first event tells.
      return first?.id === proposed[0]?.id ? 'appended' : 'elsewhere';
    } catch {
      return undefined;
    }
  }

  async function read(ledger: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    // First where it ends, so that a read that is cut can be told from one that is complete.
    const { revision } = await head(ledger);
    const count = Math.min(limit, revision - after);
    if (count <= 0) return [];
    const events = await streams.read(streamOf(ledger), after, count, maxReadBytes);
    return events.map((event) => ({
      revision: event.revision,
      recordedAt: recordedAtOf(event),
      bytes: Buffer.from(event.data.buffer, event.data.byteOffset, event.data.length).toString('utf8'),
    }));
  }

  return {
    engine: 'eventstoredb',
    maxChangesetBytes: maxAppendBytes,
    eventOverheadBytes,
    identity: records.identity,
    adopt: records.adopt,
    names: records.names,
    append,
    read,
    head,
    follow: following.follow,
    health: () => ({ state }),
    async stop() {
      following.stop();
      await streams.close();
    },
  };
}

function proposedOf(identity: string, ledger: string, event: StoredEvent): ProposedEvent {
  return {
    id: eventId([identity, ledger, event.revision, event.recordedAt, event.bytes]),
    type: eventType,
    data: Buffer.from(event.bytes),
    metadata: `{"recordedAt":${event.recordedAt}}`,
  };
}

function recordedAtOf({ metadata, revision }: StreamEvent): number {
  const isObject = typeof metadata === 'object' && metadata !== null;
  const recordedAt: unknown = isObject && 'recordedAt' in metadata ? metadata.recordedAt : undefined;
  if (typeof recordedAt === 'number') return recordedAt;
  throw new Failure('corrupt', `event ${revision} of the log says not when it was recorded`, {
    reason: 'foreign_event',
  });
}

function isWorthRepeating(error: unknown): error is Failure {
  return (
    error instanceof Failure && (error.reason === 'outcome_unknown' || error.reason === 'log_not_leader')
  );
}
