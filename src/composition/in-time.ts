/** Bounds a wait for answers that are about how things stand: a late one is as good as none. */
import { Failure } from '../failure.ts';
import { withTimeLimit } from '../ledger/time-limit.ts';

/** /v1/status and /metrics must answer above all when what they ask is away. */
const limitMs = 2_000;

/** What `work` answers, or Failure `unavailable` when it takes longer than 2 s; the work itself goes on. */
export function inTime<T>(work: Promise<T>): Promise<T> {
  return withTimeLimit(work, limitMs, () => {
    throw new Failure('unavailable', `no answer in ${limitMs} ms`, { reason: 'no_answer_in_time' });
  });
}
