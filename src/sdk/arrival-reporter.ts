/**
 * Tells the server which revision this process has applied: every ten seconds or so, and soon after a new one came in, so that
 * whoever waits for consumers need not wait long. One heartbeat at a time and at most one a second; at the end a good-bye, so
 * that nobody waits for a process that is gone. What goes wrong is told once an outage, and values go on being answered.
 */
import type { Context } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import type { ApiClient } from './api-client.ts';
import type { AskedContexts } from './asked-contexts.ts';
import { createBackoff } from './backoff.ts';
import type { HeldValues } from './held-values.ts';
import { createNap } from './nap.ts';
import type { VarveParts } from './varve-parts.ts';

export interface ArrivalReporterOn {
  readonly api: ApiClient;
  readonly parts: Pick<VarveParts, 'elapsed' | 'random' | 'newId' | 'waits'>;
  readonly values: Pick<HeldValues, 'revision' | 'wait'>;
  /** How the process is called; several may have one name. */
  readonly client: string;
  /** Undefined when nobody wants to know who asks. */
  readonly asked: AskedContexts | undefined;
  readonly onTrouble: (failure: Failure) => void;
}

export interface ArrivalReporter {
  /** Says good-bye and ends; takes at most a second. */
  readonly close: () => Promise<void>;
}

const goodByeMs = 1_000;
/** setTimeout takes no more. */
const longestWaitMs = 2 ** 31 - 1;

/** Begins as soon as there are values. */
export function createArrivalReporter(on: ArrivalReporterOn): ArrivalReporter {
  const { api, client, asked, values } = on;
  const { elapsed, random, waits } = on.parts;
  const { heartbeatMs, heartbeatLimitMs, heartbeatGapMs, newsMs } = waits;
  const instance = on.parts.newId();
  const backoff = createBackoff(random, { retryMs: heartbeatGapMs, maxRetryMs: heartbeatMs * 2 });
  const nap = createNap({ keepsAlive: false });
  const ending = new AbortController();
  /** The revision of the last heartbeat; none before the first. */
  let told = -1;
  let isInTrouble = false;
  const running = run();

  async function run(): Promise<void> {
    let regularAt = elapsed();
    await newsWithin(longestWaitMs);
    while (!ending.signal.aborted) {
      const startedAt = elapsed();
      const isRegular = startedAt >= regularAt;
      const failure = await beat(isRegular);
      if (ending.signal.aborted) return;
      if (failure !== undefined) {
        const waitMs = backoff.next((failure.retryAfterSeconds ?? 0) * 1_000);
        await nap.sleep(Math.max(heartbeatGapMs, waitMs));
        continue;
      }
      if (isRegular) regularAt = elapsed() + heartbeatMs * (0.9 + random() / 5);
      if (await newsWithin(regularAt - elapsed())) {
        await nap.sleep(Math.max(random() * newsMs, startedAt + heartbeatGapMs - elapsed()));
      }
    }
  }

  /** Waits for a newer revision than the one that was told; false when none came in. */
  async function newsWithin(ms: number): Promise<boolean> {
    let hasNews = false;
    const stop = values.wait(told + 1, () => {
      hasNews = true;
      nap.wake();
    });
    await nap.sleep(Math.max(0, ms));
    stop();
    return hasNews;
  }

  /** Who asks is told by regular heartbeats only: changes that come thick and fast make them no more. */
  async function beat(isRegular: boolean): Promise<Failure | undefined> {
    const contexts = isRegular ? (asked?.take() ?? []) : [];
    told = values.revision;
    try {
      await send(
        { revision: told, ...(contexts.length === 0 ? {} : { contexts }) },
        heartbeatLimitMs,
        ending.signal,
      );
      backoff.succeeded();
      isInTrouble = false;
      return undefined;
    } catch (error) {
      asked?.putBack(contexts);
      const failure = failureOf(error);
      if (!isInTrouble && !ending.signal.aborted) on.onTrouble(failure);
      isInTrouble = true;
      return failure;
    }
  }

  async function send(
    more: { readonly revision: number; readonly contexts?: readonly Context[]; readonly leaving?: true },
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const body = { client, instance, ...more };
    await api.send({
      method: 'POST',
      path: '/v1/heartbeats',
      body,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  return {
    async close() {
      ending.abort();
      nap.wake();
      await running;
      // It may have arrived, whatever became of the answer.
      if (told >= 0) await send({ revision: told, leaving: true }, goodByeMs).catch(() => undefined);
    },
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('unavailable', 'a heartbeat failed', { reason: 'heartbeat_failed', cause: error });
}
