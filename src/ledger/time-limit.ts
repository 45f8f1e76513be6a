/**
 * A time limit for work that has none of its own. In: work; out: its result, or Failure `unavailable` when it takes too
 * long. The work goes on unless `onLate` ends it; what it comes to then is nobody's business.
 */
import { Failure } from '../failure.ts';

/** Failure `unavailable`, reason `log_timeout`, after `limitMs` milliseconds. */
export async function withTimeLimit<T>(work: Promise<T>, limitMs: number, onLate: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Failure('unavailable', `the log did not answer within ${limitMs} ms`, {
          reason: 'log_timeout',
          retryAfterSeconds: 1,
        }),
      );
      onLate();
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
