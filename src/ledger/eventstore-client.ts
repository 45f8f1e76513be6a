/**
 * Streams of an EventStoreDB or KurrentDB: the one file that knows the package `@eventstore/db-client` (6.2.1), so that
 * `@kurrent/kurrentdb-client` can take its place. Bytes go in and come out as they are; the server counts revisions from 0,
 * we from 1: that is translated here and nowhere else. Each guard against a trap of the client says which; every one has
 * its test in test/ledger/eventstore-traps.test.ts.
 */
import {
  AccessDeniedError,
  BACKWARDS,
  binaryEvent,
  END,
  EventStoreDBClient,
  FORWARDS,
  MaxAppendSizeExceededError,
  NO_STREAM,
  NotLeaderError,
  type ResolvedEvent,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { Failure } from '../failure.ts';
import type { StreamEvent, StreamListener, Streams } from './eventstore-streams.ts';
import { withTimeLimit } from './time-limit.ts';

export interface StreamsOptions {
  /** `esdb:` or `esdb+discover:`; what else begins with `kurrentdb` is the same. */
  readonly url: string;
  /** The longest that one call may take, milliseconds. */
  readonly callTimeoutMs: number;
  /** Told of what a call came to: `true` when a server answered. */
  readonly onAnswer: (hasAnswered: boolean) => void;
}

/** A page of 8 MiB may take longer than a call that answers a line. */
const pageTimeoutFactor = 3;

export function openStreams({ url, callTimeoutMs, onAnswer }: StreamsOptions): Streams {
  const client = connect(url);
  const whileAsked = async <T>(work: Promise<T>, limitMs: number, onLate: () => void): Promise<T> => {
    try {
      const answer = await withTimeLimit(work, limitMs, () => {
        onLate();
        throw tooLate(limitMs);
      });
      onAnswer(true);
      return answer;
    } catch (error) {
      onAnswer(isAnswer(error));
      throw error;
    }
  };

  async function collect(
    stream: string,
    from: bigint | typeof END,
    count: number,
    maxBytes: number,
  ): Promise<readonly StreamEvent[]> {
    const reading = client.readStream(stream, {
      fromRevision: from,
      maxCount: count,
      direction: from === END ? BACKWARDS : FORWARDS,
      requiresLeader: true,
    });
    // Whoever leaves a `for await` early leaves the call open on the server: it is cancelled in any case.
    const cancel = () => void reading.cancel().catch(() => undefined);
    const events: StreamEvent[] = [];
    const all = async () => {
      let bytes = 0;
      for await (const resolved of reading) {
        const event = streamEventOf(resolved);
        bytes += event.data.length;
        if (events.length > 0 && bytes > maxBytes) return true;
        events.push(event);
      }
      return false;
    };
    try {
      const limitMs = count === 1 ? callTimeoutMs : pageTimeoutFactor * callTimeoutMs;
      const isCut = await whileAsked(all(), limitMs, () => reading.destroy(new Error('too late')));
      // Trap: a server that stops ends a read without an error, and what came looks like all there is.
      if (!isCut && events.length < count) throw endedEarly();
      return events;
    } finally {
      cancel();
    }
  }

  return {
    async append(stream, after, events) {
      const proposed = events.map(({ metadata, ...event }) =>
        binaryEvent({ ...event, metadata: Buffer.from(metadata) }),
      );
      const options = {
        expectedRevision: after === 0 ? NO_STREAM : BigInt(after - 1),
        requiresLeader: true,
        deadline: callTimeoutMs,
      } as const;
      try {
        // Trap: without a limit of our own an append whose answer is lost waits for ever.
        const work = client.appendToStream(stream, proposed, options);
        const { success } = await whileAsked(work, callTimeoutMs, () => undefined);
        // Trap: with throwOnAppendFailure=false in the URL a lost race comes as an answer, with a revision that may be wrong.
        return success ? 'appended' : 'elsewhere';
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) return 'elsewhere';
        throw appendFailure(error);
      }
    },
    async last(stream) {
      try {
        const [event] = await onLeader(() => collect(stream, END, 1, 0));
        return event;
      } catch (error) {
        if (error instanceof StreamNotFoundError) return undefined;
        throw unavailable(error);
      }
    },
    async read(stream, after, count, maxBytes) {
      try {
        return await onLeader(() => collect(stream, BigInt(after), count, maxBytes));
      } catch (error) {
        throw unavailable(error);
      }
    },
    listen: (stream, after, listener) => listen(client, stream, after, listener),
    close: () => client.dispose(),
  };
}

/** Reads again when another node leads: the client turns to the one that was named, in a turn of its own. */
async function onLeader<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof NotLeaderError)) throw error;
    await new Promise((resolve) => setImmediate(resolve));
    return read();
  }
}

function connect(url: string): EventStoreDBClient {
  let client: EventStoreDBClient;
  try {
    client = EventStoreDBClient.connectionString(url.replace(/^kurrentdb/, 'esdb'));
  } catch {
    // The client's error quotes the URL, which may hold a password.
    throw new Failure(
      'invalid',
      'EVENTSTORE_URL is no connection string that the EventStoreDB client takes',
      {
        reason: 'bad_setting',
      },
    );
  }
  const handleError: unknown = Reflect.get(client, 'handleError');
  Object.assign(client, {
    // Trap: batch appends of all clients of a process share one stream and one list. One error of it rejects every append
    // in flight, and an answer that still comes afterwards throws where nobody catches. Without the feature each append is
    // a call of its own, with a deadline. (The list of features has none: asking for it could wait for ever.)
    supports: () => Promise.resolve(false),
    // Trap: after a failed call it looks at the channel, and when finding a node fails meanwhile nobody catches that.
    handleError: async (...failed: readonly unknown[]) => {
      if (typeof handleError !== 'function') return;
      await Promise.resolve(Reflect.apply(handleError, client, failed)).catch(() => undefined);
    },
  });
  return client;
}

function listen(
  client: EventStoreDBClient,
  stream: string,
  after: number,
  { onRevision, onOpen, onEnd }: StreamListener,
): () => void {
  let isOver = false;
  const subscription = client.subscribeToStream(stream, {
    fromRevision: after === 0 ? 'start' : BigInt(after - 1),
    requiresLeader: true,
  });
  const stop = () => {
    isOver = true;
    subscription.unsubscribe().catch(() => undefined);
    subscription.destroy();
  };
  const end = () => {
    if (isOver) return;
    stop();
    onEnd();
  };
  subscription.on('confirmation', () => {
    if (!isOver) onOpen();
  });
  subscription.on('data', ({ event }) => {
    if (!isOver && event !== undefined) onRevision(Number(event.revision) + 1);
  });
  subscription.on('error', end);
  // Trap: a server that stops ends the subscription without an error.
  subscription.on('close', end);
  return stop;
}

function streamEventOf({ event }: ResolvedEvent): StreamEvent {
  // Data is JSON only where somebody else wrote it.
  if (event === undefined || !(event.data instanceof Uint8Array)) {
    throw new Failure('corrupt', 'the log holds an event that Varve did not write', {
      reason: 'foreign_event',
    });
  }
  return { id: event.id, revision: Number(event.revision) + 1, data: event.data, metadata: event.metadata };
}

function tooLate(limitMs: number): Failure {
  return new Failure('unavailable', `the log did not answer within ${limitMs} ms`, {
    reason: 'log_timeout',
    retryAfterSeconds: 1,
  });
}

/** Whether it is what a server said, and not that none was reached or answered in time. */
function isAnswer(error: unknown): boolean {
  return (
    (error instanceof Failure && error.code !== 'unavailable') ||
    error instanceof WrongExpectedVersionError ||
    error instanceof StreamNotFoundError ||
    error instanceof NotLeaderError ||
    error instanceof MaxAppendSizeExceededError ||
    error instanceof StreamDeletedError
  );
}

function appendFailure(error: unknown): Failure {
  if (error instanceof NotLeaderError) {
    return new Failure('unavailable', 'the node of the log that was asked is not its leader', {
      reason: 'log_not_leader',
      retryAfterSeconds: 1,
      cause: error,
    });
  }
  if (error instanceof MaxAppendSizeExceededError) {
    return new Failure(
      'refused',
      `the log's server takes at most ${error.maxAppendSize} bytes at once: its setting MaxAppendSize and EVENTSTORE_MAX_APPEND_BYTES must be the same`,
      { reason: 'changeset_too_large', cause: error },
    );
  }
  if (error instanceof StreamDeletedError) return deleted(error);
  if (error instanceof AccessDeniedError) return unavailable(error);
  return new Failure(
    'unavailable',
    'the log did not answer: the changeset may or may not have been recorded; ask again with the same Idempotency-Key',
    { reason: 'outcome_unknown', retryAfterSeconds: 1, cause: error },
  );
}

function unavailable(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof StreamDeletedError) return deleted(error);
  const isDenied = error instanceof AccessDeniedError;
  return new Failure(
    'unavailable',
    isDenied ? 'the log does not let this server in' : 'the log cannot be reached now',
    { reason: isDenied ? 'log_access_denied' : 'log_unreachable', retryAfterSeconds: 1, cause: error },
  );
}

function deleted(cause: unknown): Failure {
  return new Failure('corrupt', 'a stream of the log was deleted', { reason: 'log_deleted', cause });
}

function endedEarly(): Failure {
  return new Failure('unavailable', 'the log ended a read before it was complete', {
    reason: 'log_read_cut',
    retryAfterSeconds: 1,
  });
}
