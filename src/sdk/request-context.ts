/**
 * The context of the request that is being handled, so that code need not pass it on (design note 004).
 * It follows every await of the request and is seen by no other one.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '../domain/scope.ts';

const storage = new AsyncLocalStorage<Context>();

/** Runs `work`, and everything that it awaits, in a context. */
export function runInContext<R>(context: Context, work: () => R): R {
  return storage.run(context, work);
}

/** The context of the running request; undefined outside of one. */
export function currentContext(): Context | undefined {
  return storage.getStore();
}
