/**
 * One thing that lives in the process for a user, an LLM instance or an MCP client: made once, disposed once.
 * In: how to make and to dispose it; out: the promise that all callers share. It is never disposed while somebody holds it.
 */

export interface Instance<T = unknown> {
  /** Rejects with what making it failed with. */
  readonly made: Promise<T>;
  /** The thing itself; undefined until it is made, when that failed, and once it is disposed. */
  current(): T | undefined;
  /** Keeps it from being disposed; answers how to let go, which is called once. */
  hold(): () => void;
  /** It is no longer handed out: disposed as soon as it is made and nobody holds it. Resolves when that is done. */
  retire(): Promise<void>;
}

export interface InstanceParts<T> {
  readonly make: () => T | Promise<T>;
  readonly dispose: (made: T) => unknown;
}

interface InstanceListeners {
  /** Called once: the thing is disposed, or could not be made. */
  readonly onGone: () => void;
  /** Disposing it failed. */
  readonly onTrouble: (cause: unknown) => void;
}

export function createInstance<T>(
  { make, dispose }: InstanceParts<T>,
  { onGone, onTrouble }: InstanceListeners,
): Instance<T> {
  let current: { readonly value: T } | undefined;
  let holders = 0;
  let isMade = false;
  let isRetired = false;
  let setGone = () => {};
  const gone = new Promise<void>((resolve) => {
    setGone = resolve;
  });
  const end = () => {
    onGone();
    setGone();
  };
  const disposeIfLeft = () => {
    if (!isMade || !isRetired || holders > 0 || current === undefined) return;
    const { value } = current;
    current = undefined;
    void attempt(() => dispose(value))
      .catch(onTrouble)
      .finally(end);
  };
  // Handed on and not named in a function here: so what it was made from is let go of as soon as it is made.
  const made = begin(make, (value) => {
    current = { value };
  });
  made.then((value) => {
    isMade = true;
    current = { value };
    disposeIfLeft();
  }, end);
  return {
    made,
    current: () => current?.value,
    hold: () => {
      holders += 1;
      return () => {
        holders -= 1;
        disposeIfLeft();
      };
    },
    retire: () => {
      isRetired = true;
      disposeIfLeft();
      return gone;
    },
  };
}

/** What is there at once is told at once. */
function begin<T>(make: () => T | Promise<T>, onThere: (value: T) => void): Promise<T> {
  return attempt(() => {
    const result = make();
    if (!(result instanceof Promise)) onThere(result);
    return result;
  });
}

/** Runs it at once; what it throws rejects. */
function attempt<T>(work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
