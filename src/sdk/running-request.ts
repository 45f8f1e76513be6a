/**
 * The request that is running: for whom, and which instances it uses. Found by code deep inside without being passed.
 * It follows every await of the request and is seen by no other one. Work that goes on after its end keeps no instance.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Instance } from './instance.ts';
import { runInContext } from './request-context.ts';
import type { UserContext } from './runtime-fields.ts';
import type { UserContexts, UserInContext } from './user-context.ts';

export interface RequestOfUser {
  readonly contexts: UserContexts;
  readonly user: UserInContext;
  /** The instances that it uses. */
  readonly holds: Holds;
}

interface RunningRequest extends RequestOfUser {
  hasEnded: boolean;
}

/** Instances that are kept together until all are let go of. */
export class Holds {
  readonly #held = new Map<Instance, () => void>();

  keep(instance: Instance): void {
    if (!this.#held.has(instance)) this.#held.set(instance, instance.hold());
  }

  letGo(): void {
    for (const letGo of this.#held.values()) letGo();
    this.#held.clear();
  }
}

const storage = new AsyncLocalStorage<RunningRequest>();

/** What the running request's user is configured with; undefined outside of UserContexts.run. */
export function currentUserContext(): UserContext | undefined {
  const request = storage.getStore();
  return request?.contexts.get(request.user);
}

/** The user of the running request with his tenant and tier, if these contexts run it. */
export function currentUser(contexts: UserContexts): UserInContext | undefined {
  const request = storage.getStore();
  return request?.contexts === contexts ? request.user : undefined;
}

/** Keeps an instance until the running request ends; outside of one nobody knows for how long, and it is not kept. */
export function holdForRequest(instance: Instance): void {
  const request = storage.getStore();
  if (request !== undefined && !request.hasEnded) request.holds.keep(instance);
}

/** Runs `work` for a user. A promise ends the request when it settles; `onEnd` is called then, and lets go of what it holds. */
export function runRequest<R>(
  ofUser: RequestOfUser,
  onEnd: () => void,
  work: () => R | Promise<R>,
): R | Promise<R> {
  const request: RunningRequest = { ...ofUser, hasEnded: false };
  const end = () => {
    request.hasEnded = true;
    onEnd();
  };
  let result: R | Promise<R>;
  try {
    result = storage.run(request, () => runInContext(request.user, work));
  } catch (error) {
    end();
    throw error;
  }
  // What comes of the original promise is seen in this one only, so that nothing fails unheard.
  if (result instanceof Promise) return result.finally(end);
  end();
  return result;
}
