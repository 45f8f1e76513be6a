/**
 * The values that a client holds now: a snapshot, and every changeset since. Whole changesets in, one after the other;
 * out: the state that answers, and who is told of what changed. It never goes back in revision,
 * unless another log begins: its revisions are another count.
 */
import { Failure } from '../failure.ts';
import { putChangeset, stageChangeset, touchedKeys, type ValuesChangeset } from './apply-changeset.ts';
import type { HeldScopes } from './held-scopes.ts';
import type { ValuesState } from './values-state.ts';
import type { ValuesChange } from './varve.ts';

export interface Loaded {
  readonly state: ValuesState;
  readonly ledger: string;
  /** Names the log that the revision counts in; undefined when it is not known. */
  readonly log: string | undefined;
  readonly source: 'server' | 'file';
}

interface Waiter {
  readonly revision: number;
  readonly reached: () => void;
}

export class HeldValues {
  #loaded: Loaded | undefined;
  readonly #scopes: HeldScopes;
  readonly #tell: (change: ValuesChange) => void;
  readonly #waiters = new Set<Waiter>();

  /** `tell` is called after each change, when the state is whole. */
  constructor(scopes: HeldScopes, tell: (change: ValuesChange) => void) {
    this.#scopes = scopes;
    this.#tell = tell;
  }

  get loaded(): Loaded | undefined {
    return this.#loaded;
  }

  get revision(): number {
    return this.#loaded?.state.revision ?? 0;
  }

  /** Failures: unavailable for a state that is older than what is held. */
  checkIsNewer({ state, log }: Pick<Loaded, 'state' | 'log'>): void {
    const held = this.#loaded?.log;
    const isOtherLog = log !== undefined && held !== undefined && log !== held;
    if (!isOtherLog && state.revision < this.revision) {
      const message = `a snapshot of revision ${state.revision} is older than ${this.revision}, which is held`;
      throw new Failure('unavailable', message, { reason: 'went_back' });
    }
  }

  /** Puts a whole state in the place of the one before. Failures: unavailable for one that is older. */
  replace(loaded: Loaded): void {
    this.checkIsNewer(loaded);
    const before = this.#loaded;
    const { state } = loaded;
    this.#loaded = loaded;
    const keys = new Set([...(before?.state.keys() ?? []), ...state.keys()]);
    this.#moved([...keys]);
  }

  /** Values from a file are known to be those of the server from now on. */
  confirm(): void {
    if (this.#loaded?.source === 'file') this.#loaded = { ...this.#loaded, source: 'server' };
  }

  /** Applies a changeset as a whole; one that is held already changes nothing. Answers whether it was new. */
  async apply(changeset: ValuesChangeset): Promise<boolean> {
    const state = this.#loaded?.state;
    if (state === undefined || changeset.revision <= state.revision) return false;
    const staged = await stageChangeset(state, changeset, this.#scopes);
    putChangeset(state, changeset, staged);
    this.#moved(touchedKeys(state, staged.keys()));
    return true;
  }

  /** Resolves as soon as a revision is held; answers how to stop waiting. */
  wait(revision: number, reached: () => void): () => void {
    const waiter = { revision, reached };
    this.#waiters.add(waiter);
    this.#wake();
    return () => this.#waiters.delete(waiter);
  }

  #moved(keys: readonly string[]): void {
    this.#wake();
    if (keys.length > 0) this.#tell({ revision: this.revision, keys });
  }

  #wake(): void {
    if (this.#loaded === undefined) return;
    for (const waiter of this.#waiters) {
      if (waiter.revision > this.revision) continue;
      this.#waiters.delete(waiter);
      waiter.reached();
    }
  }
}
