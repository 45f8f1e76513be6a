/**
 * Drives long computations of the domain slice by slice, so that they hold up nobody.
 * In: a generator that yields whenever it has worked for about a slice; out: its result. All computations of this process
 * take turns: between two slices, whosever they are, everything else that waits for the event loop is served.
 */

/**
 * Resolves with what the work returns. Its first slice runs at once, so that it takes hold of what its caller sees; every
 * other one runs in a turn of its own.
 */
export async function inSlices<Result>(work: Generator<unknown, Result, void>): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await turn();
  }
}

const waiting: (() => void)[] = [];

/** The event loop is one a process, and so is the row of those who wait for a turn of it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(giveTurn);
  });
}

function giveTurn(): void {
  const next = waiting.shift();
  if (waiting.length > 0) setImmediate(giveTurn);
  next?.();
}
