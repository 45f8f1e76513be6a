/**
 * Contexts per user as a service holds them in its hands (design note 004): types only. user-contexts.ts makes them.
 */
import type { Context } from '../domain/scope.ts';
import type { Failure } from '../failure.ts';
import type { RuntimeFieldsToSet, UserContext } from './runtime-fields.ts';
import type { Written } from './varve.ts';

/** A user, with the tenant and tier that his values are asked for. */
export interface UserInContext extends Context {
  readonly user: string;
}

/** An id alone means the tenant and tier of the running request, when it is that user's; otherwise neither. */
export type Who = string | UserInContext;

export interface UserContextsOptions {
  /** `single-user`: nothing is cleaned up. `multi-user` when absent. */
  readonly mode?: 'multi-user' | 'single-user';
  /** After so long without access the instances of a user are disposed; 24 when absent. */
  readonly maxIdleHours?: number;
  /** One hour when absent. */
  readonly sweepEveryMs?: number;
  /** Beyond it the longest unused gives way; 100,000 when absent. */
  readonly maxContexts?: number;
  /** Epoch milliseconds; the client's clock when absent. */
  readonly now?: () => number;
  /** Told of instances that could not be disposed. */
  readonly onTrouble?: (failure: Failure) => void;
}

export interface SlotOptions {
  /** When one of these keys answers otherwise, the next asker gets a new instance; all eight `runtime.…` when absent. */
  readonly dependsOn?: readonly string[];
}

/** A user and when he was last there. */
export interface SeenUser {
  readonly context: UserInContext;
  /** Epoch milliseconds. */
  readonly lastAccess: number;
}

/** Every call with a user counts as an access. Failures of each: invalid (no id), unavailable (no values yet, or closed). */
export interface UserContexts {
  get(who: Who): UserContext;
  /**
   * Writes fields of one user as one changeset, null takes one back, and waits until they can be read here. Failures:
   * those of writing; the API key must have the role `operator`.
   */
  set(who: Who, fields: RuntimeFieldsToSet, reason?: string): Promise<Written>;
  /**
   * Runs a request of a user: everything that it awaits finds him by `currentUserContext()`, and values that are asked
   * for without a context are his, unless the client has a contextProvider of its own. Instances that it asks for or sets are
   * not disposed before it ends: when `work` returns, or what it promises is settled. A middleware that only calls the next
   * one has ended then; its user is still found, but keeps no instance.
   */
  run<R>(who: Who, work: () => Promise<R>): Promise<R>;
  run<R>(who: Who, work: () => R): R;
  /** Of the running request; undefined outside of `run`. */
  current(): UserContext | undefined;
  /**
   * The user's instance of that name, an LLM instance or an MCP client, made when there is none; all who ask at once
   * share one, and a failed attempt is forgotten. Values asked for while it is made are the user's. One name, one type.
   * Outside of `run` nobody knows who still uses an instance: it is disposed as soon as it is replaced. Instances
   * that it is made with, an LLM's MCP client, are not disposed before it.
   * Failures: what making it fails with, limited (more than 32 names).
   */
  slot<T>(
    who: Who,
    name: string,
    make: (context: UserContext) => T | Promise<T>,
    dispose?: (instance: T) => unknown,
    options?: SlotOptions,
  ): Promise<T>;
  /** Contexts that are held, and instances that are not disposed yet. */
  held(): { readonly contexts: number; readonly instances: number };
  /** The users that were there last, the latest first; this is no access. */
  seen(limit: number): readonly SeenUser[];

  // The helpers of the note. Without a user they are about everybody: the scope global, and instances of the process.
  getUserProvider(who?: Who): string | null;
  setUserProvider(provider: string | null, who?: Who): Promise<Written>;
  getUserModel(who?: Who): string | null;
  setUserModel(model: string | null, who?: Who): Promise<Written>;
  /** Null until there is one. */
  getUserLlmInstance(who?: Who): unknown;
  /** Null takes it away. The one before is disposed as it said. */
  setUserLlmInstance<T>(instance: T | null, who?: Who, dispose?: (instance: T) => unknown): void;
  getUserMcpClient(who?: Who): unknown;
  setUserMcpClient<T>(client: T | null, who?: Who, dispose?: (client: T) => unknown): void;
  /** Lets go of users without access for longer than so long (`maxIdleHours` when absent); answers how many. */
  cleanupInactiveUserContexts(maxAgeHours?: number): Promise<number>;

  /** Disposes everything; waits for running requests, 10 seconds at most. */
  close(): Promise<void>;
}
