/**
 * Reports the tokens of calls to the server, `POST /v1/usage`: gathered, sent in batches, sent again under the same ids until
 * they are taken. It never delays or fails a call; what does not fit any more is dropped and told.
 */

import type { Context } from '../../domain/scope.ts';
import type { TokenCounts } from '../../domain/usage/usage.ts';
import { Failure } from '../../failure.ts';
import type { ApiClient } from '../api-client.ts';

export interface UsageToReport {
  readonly key: string;
  readonly model: string;
  readonly context: Context;
  readonly usage: TokenCounts;
}

export interface UsageReporter {
  add(usage: UsageToReport): void;
  /** Sends what waits, now. Failures: those of the server; what was not taken goes on waiting. */
  flush(): Promise<void>;
  /** Sends what waits, and takes no more. */
  close(): Promise<void>;
}

export interface UsageReporterParts {
  readonly api: ApiClient;
  readonly newId: () => string;
  /** Epoch milliseconds by the server's clock. */
  readonly now: () => number;
  readonly onTrouble: (failure: Failure) => void;
  /** How long records are gathered, milliseconds. */
  readonly everyMs: number;
}

interface UsageRecord extends Context, TokenCounts {
  readonly id: string;
  readonly at: string;
  readonly key: string;
  readonly model: string;
}

/** Per request; the server takes 10,000. */
const batchSize = 1_000;
/** Past this the oldest are dropped: about 4 MB. */
const maxWaiting = 10_000;

export function createUsageReporter(parts: UsageReporterParts): UsageReporter {
  const { api, newId, now, everyMs } = parts;
  const onTrouble = (failure: Failure): void => {
    try {
      parts.onTrouble(failure);
    } catch {
      // Nobody is left to be told.
    }
  };
  let waiting: UsageRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;

  const without = (records: readonly UsageRecord[]): void => {
    const gone = new Set(records);
    waiting = waiting.filter((record) => !gone.has(record));
  };
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize);
      try {
        await api.send({ method: 'POST', path: '/v1/usage', body: { records: batch } });
      } catch (error) {
        const failure = asFailure(error);
        if (isWorthAnother(failure)) throw failure;
        // What the server does not take it will never take: it would hold up all that comes after it.
        const refused = refusedOf(batch, failure);
        onTrouble(dropped(refused.length, failure));
        without(refused);
        continue;
      }
      without(batch);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= sendAll()
      .catch((error: unknown) => {
        later();
        throw error;
      })
      .finally(() => {
        sending = undefined;
      });
    return sending;
  };
  function later(): void {
    if (isClosed) return;
    timer ??= setTimeout(() => {
      flush().catch((error: unknown) => onTrouble(asFailure(error)));
    }, everyMs).unref();
  }
  return {
    add: ({ key, model, context, usage }) => {
      if (isClosed) return;
      if (waiting.length >= maxWaiting) {
        waiting = waiting.slice(batchSize);
        onTrouble(dropped(batchSize, undefined));
      }
      waiting.push({ id: newId(), at: new Date(now()).toISOString(), key, model, ...context, ...usage });
      later();
    },
    flush,
    close: () => {
      isClosed = true;
      return flush();
    },
  };
}

/** The records that a refusal names, or all when it names none. */
function refusedOf(batch: readonly UsageRecord[], { details }: Failure): readonly UsageRecord[] {
  const named = new Set(details.map(({ path }) => /(?:^|\.)records\.(\d+)(?:\.|$)/.exec(path)?.[1]));
  const refused = batch.filter((_, index) => named.has(String(index)));
  return refused.length === 0 ? batch : refused;
}

/** Not what the server says of the records themselves; a key that was revoked can be given back. */
function isWorthAnother({ code }: Failure): boolean {
  return code !== 'invalid' && code !== 'refused' && code !== 'forbidden' && code !== 'not_found';
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('unavailable', 'usage was not reported', { reason: 'usage_not_reported', cause: error });
}

function dropped(count: number, cause: Failure | undefined): Failure {
  const why = cause === undefined ? 'too many wait' : cause.message;
  return new Failure(cause?.code ?? 'limited', `dropped records of usage: ${count} (${why})`, {
    reason: 'usage_dropped',
    cause,
  });
}
