/**
 * Who wants to be told. A listener that throws harms no other: what it threw is handed on.
 */

export class Listeners<E> {
  readonly #listeners = new Set<{ readonly listen: (event: E) => void }>();
  readonly #onThrown: (thrown: unknown) => void;

  constructor(onThrown: (thrown: unknown) => void) {
    this.#onThrown = onThrown;
  }

  /** Answers how to stop. The same function may listen twice. */
  add(listen: (event: E) => void): () => void {
    const listener = { listen };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells those that listen now; who stops meanwhile is not told any more. */
  tell(event: E): void {
    const listening = [...this.#listeners];
    for (const listener of listening) {
      if (!this.#listeners.has(listener)) continue;
      try {
        listener.listen(event);
      } catch (error) {
        this.#onThrown(error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
