/**
 * A time limit for work that has none of its own. In: work; out: what it comes to, or what is said when it takes too long.
 * The work goes on unless `onLate` ends it; what it comes to then is nobody's business.
 */

/** After `limitMs` milliseconds answers what `onLate` answers, or fails with what it throws. */
export async function withTimeLimit<T>(work: Promise<T>, limitMs: number, onLate: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  }).then(onLate);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
