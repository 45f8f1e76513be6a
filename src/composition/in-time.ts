/** Bounds a wait for answers that are about how things stand: a late one is as good as none. */
import { Failure } from '../failure.ts';

/** What `work` answers, or Failure `unavailable` when it takes longer than `limitMs`; the work itself goes on. */
export async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(noAnswer(limitMs)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function noAnswer(limitMs: number): Failure {
  return new Failure('unavailable', `no answer in ${limitMs} ms`, { reason: 'no_answer_in_time' });
}
