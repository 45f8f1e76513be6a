/**
 * What an EventStoreDB log says of itself, in two small streams: `<prefix>_log-identity`, written once, and
 * `<prefix>_log-ledgers`, one event a ledger, written before the ledger's first event. (Reading the category stream of all
 * ledgers lost: it needs the server's own projections, which are off by default, and lags behind; reading `$all` needs
 * rights that nothing else here does.) If we stop between the two, a ledger is registered that has no events: it is not told.
 */
import { Failure } from '../failure.ts';
import { appendSurely } from './eventstore-append.ts';
import { eventId } from './eventstore-event-id.ts';
import type { StreamEvent, Streams } from './eventstore-streams.ts';
import type { Head } from './ledger.ts';

export interface LogRecordsOptions {
  readonly streams: Streams;
  readonly prefix: string;
  readonly newId: () => string;
  readonly headOf: (ledger: string) => Promise<Head>;
}

export interface LogRecords {
  identity(): Promise<string>;
  adopt(identity: string): Promise<string>;
  names(): Promise<readonly string[]>;
  /** Makes sure that a ledger is listed. */
  register(ledger: string): Promise<void>;
}

const maxNames = 100;
const maxRaces = 20;
const maxRecordBytes = 1024 * 1024;

export function openLogRecords({ streams, prefix, newId, headOf }: LogRecordsOptions): LogRecords {
  const identityStream = `${prefix}_log-identity`;
  const ledgersStream = `${prefix}_log-ledgers`;
  let known: Promise<string> | undefined;
  const listed = new Set<string>();
  /** Of the listed ones those that have events: they keep them. */
  const begun = new Set<string>();

  const record = (type: string, stream: string, value: object, id: string) => ({
    id: eventId([stream, id]),
    type,
    data: Buffer.from(JSON.stringify(value)),
    metadata: '{}',
  });

  async function readOrWrite(wanted: () => string): Promise<string> {
    const before = await streams.last(identityStream);
    if (before !== undefined) return wordOf(before, 'identity');
    const identity = wanted();
    const event = record('varve-log-identity', identityStream, { identity }, identity);
    // Of several that write it one wins; whichever it is, the stream says.
    const outcome = await appendSurely(streams, identityStream, 0, [event]);
    if (outcome === 'appended') return identity;
    const first = await streams.last(identityStream);
    if (first === undefined)
      throw new Failure('corrupt', 'the log does not say its name', { reason: 'no_log_identity' });
    return wordOf(first, 'identity');
  }

  function remembered(wanted: () => string): Promise<string> {
    known ??= readOrWrite(wanted).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  }

  async function readListed(): Promise<number> {
    const last = await streams.last(ledgersStream);
    const revision = last?.revision ?? 0;
    if (revision > listed.size) {
      const events = await streams.read(ledgersStream, 0, revision, maxRecordBytes);
      for (const event of events) listed.add(wordOf(event, 'ledger'));
    }
    return revision;
  }

  return {
    identity: () => remembered(newId),
    adopt: (identity) => remembered(() => identity),
    async names() {
      await readListed();
      for (const name of listed) {
        if (!begun.has(name) && (await headOf(name)).revision > 0) begun.add(name);
      }
      return [...begun].toSorted().slice(0, maxNames);
    },
    async register(ledger) {
      for (let tries = 0; tries < maxRaces && !listed.has(ledger); tries += 1) {
        const after = await readListed();
        if (listed.has(ledger)) return;
        const event = record('varve-ledger', ledgersStream, { ledger }, ledger);
        // Lost against another ledger: look again.
        if ((await appendSurely(streams, ledgersStream, after, [event])) === 'appended') listed.add(ledger);
      }
      if (!listed.has(ledger)) throw racesLost();
    },
  };
}

function racesLost(): Failure {
  return new Failure('unavailable', 'other ledgers began faster every time; try again', {
    reason: 'races_lost',
    retryAfterSeconds: 1,
  });
}

function wordOf(event: StreamEvent, name: string): string {
  const value: unknown = JSON.parse(Buffer.from(event.data).toString('utf8'));
  const word: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  if (typeof word === 'string') return word;
  throw new Failure('corrupt', `the log's record of ${name} cannot be read`, { reason: 'foreign_event' });
}
