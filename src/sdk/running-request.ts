/**
 * The request that is running: for whom, and which instances it uses. Found by code deep inside without being passed.
 * It follows every await of the request and is seen by no other one. Work that goes on after its end keeps no instance.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Instance } from './instance.ts';
import { runInContext } from './request-context.ts';
import type { UserContext } from './runtime-fields.ts';
import type { UserContexts, UserInContext } from './user-context.ts';

interface RunningRequest {
  readonly contexts: UserContexts;
  readonly user: UserInContext;
  /** How to let go of each instance that it uses. */
  readonly held: Map<Instance, () => void>;
  hasEnded: boolean;
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
  if (request === undefined || request.hasEnded || request.held.has(instance)) return;
  request.held.set(instance, instance.hold());
}

/** Runs `work` for a user. A promise ends the request when it settles; `onEnd` is called then. */
export function runRequest<R>(
  contexts: UserContexts,
  user: UserInContext,
  onEnd: () => void,
  work: () => R | Promise<R>,
): R | Promise<R> {
  const request: RunningRequest = { contexts, user, held: new Map(), hasEnded: false };
  const end = () => {
    request.hasEnded = true;
    for (const letGo of request.held.values()) letGo();
    request.held.clear();
    onEnd();
  };
  let result: R | Promise<R>;
  try {
    result = storage.run(request, () => runInContext(user, work));
  } catch (error) {
    end();
    throw error;
  }
  // What comes of the original promise is seen in this one only, so that nothing fails unheard.
  if (result instanceof Promise) return result.finally(end);
  end();
  return result;
}
