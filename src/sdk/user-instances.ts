/**
 * The instances of a user by name: asked for, made, replaced, counted (design note 004, `llm_instance`, `mcp_client`).
 * In: a held context and how an instance is made; out: the instance. It never reads a ledger: what an instance was made
 * from comes in as text.
 */
import { Failure } from '../failure.ts';
import type { HeldContext } from './held-contexts.ts';
import { createInstance, type Instance, type InstanceParts } from './instance.ts';
import type { Holds } from './running-request.ts';

export interface UserInstanceParts<T> extends InstanceParts<T> {
  /** What it was made with, an LLM's MCP client for example: kept until it is disposed itself. */
  readonly madeWith?: Holds;
}

/** The most names of instances that one user has. */
const maxNames = 32;

export class UserInstances {
  readonly #onTrouble: (failure: Failure) => void;
  #count = 0;

  constructor(onTrouble: (failure: Failure) => void) {
    this.#onTrouble = onTrouble;
  }

  /** How many are not disposed yet. */
  get count(): number {
    return this.#count;
  }

  /** The one of that name that was made from the same, or was handed in; otherwise a new one. Failures: limited. */
  ask<T>(held: HeldContext, name: string, madeFrom: string, parts: UserInstanceParts<T>): Instance<T> {
    const known = held.instances.get(name);
    const isCurrent = known !== undefined && (known.madeFrom === undefined || known.madeFrom === madeFrom);
    // One name has one type: the caller's word, as with values.
    return isCurrent ? (known.instance as Instance<T>) : this.#place(held, name, madeFrom, parts);
  }

  /** Puts one that was made elsewhere in the place of another; the same one again changes nothing. Answers it. Failures: limited. */
  put<T>(held: HeldContext, name: string, made: T, dispose: (made: T) => unknown): Instance {
    const known = held.instances.get(name)?.instance;
    return known !== undefined && known.current() === made
      ? known
      : this.#place(held, name, undefined, { make: () => made, dispose });
  }

  takeAway({ instances }: HeldContext, name: string): void {
    void instances.get(name)?.instance.retire();
    instances.delete(name);
  }

  #place<T>(
    held: HeldContext,
    name: string,
    madeFrom: string | undefined,
    { make, dispose, madeWith }: UserInstanceParts<T>,
  ): Instance<T> {
    const { instances } = held;
    if (instances.size >= maxNames && !instances.has(name)) {
      throw new Failure('limited', `a user has at most ${maxNames} instances`, { reason: 'too_many_slots' });
    }
    this.takeAway(held, name);
    this.#count += 1;
    const instance = createInstance<T>(
      { make, dispose },
      {
        onGone: () => {
          this.#count -= 1;
          madeWith?.letGo();
        },
        onTrouble: (cause) => this.#onTrouble(undisposed(name, held, cause)),
      },
    );
    instances.set(name, { instance, madeFrom });
    instance.made.catch(() => {
      // A failed attempt is forgotten; the next asker makes another.
      if (instances.get(name)?.instance === instance) instances.delete(name);
    });
    return instance;
  }
}

function undisposed(name: string, { user }: HeldContext, cause: unknown): Failure {
  return new Failure('unavailable', `the ${name} of ${user.user || 'the process'} could not be disposed`, {
    reason: 'not_disposed',
    cause,
  });
}
