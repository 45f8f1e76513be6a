/**
 * How a queue is doing: how many jobs wait, run and have failed. Bounded in time: a Redis that is away answers nothing.
 */
import { Failure } from '../failure.ts';
import { withTimeLimit } from '../ledger/time-limit.ts';
import type { JobQueue } from './queue-place.ts';

export interface JobStatus {
  readonly name: string;
  readonly state: string;
  readonly counts?: Readonly<Record<string, number>>;
}

const limitMs = 2_000;

/** Failures: `unavailable` when the queue does not answer. */
export async function queueStatus(queue: JobQueue): Promise<JobStatus> {
  try {
    const counting = queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
    const {
      waiting = 0,
      prioritized = 0,
      active = 0,
      delayed = 0,
      failed = 0,
    } = await withTimeLimit(counting, limitMs, () => {
      throw silent(queue.name);
    });
    return {
      name: `queue ${queue.name}`,
      state: active > 0 ? 'running' : 'waiting',
      counts: { waiting: waiting + prioritized, active, delayed, failed },
    };
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw silent(queue.name, cause);
  }
}

function silent(name: string, cause?: unknown): Failure {
  return new Failure('unavailable', `the queue ${name} does not answer`, {
    reason: 'queue_unavailable',
    cause,
  });
}
