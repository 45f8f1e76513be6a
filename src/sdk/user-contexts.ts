/**
 * A context for each user of an agent (design note 004): what he is configured with, read from the ledger's values at each
 * look, and the instances that live in the process for him. No variable is shared by two users, and what is set for one is
 * set for nobody else. In: a client and user ids; out: contexts, instances, and writes to the ledger.
 */
import { isScopeId } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import { createHeldContexts, type HeldContext, type HeldContexts, retireAll } from './held-contexts.ts';
import { readTogether } from './read-together.ts';
import { currentUser, Holds, holdForRequest, runRequest } from './running-request.ts';
import {
  type RuntimeFields,
  type RuntimeFieldsToSet,
  runtimeKeys,
  type UserContext,
  userContextOf,
} from './runtime-fields.ts';
import type { SlotOptions, UserContexts, UserContextsOptions, UserInContext, Who } from './user-context.ts';
import { UserInstances } from './user-instances.ts';
import type { Varve, Written } from './varve.ts';
import { writeRuntimeFields } from './write-runtime-fields.ts';

const hourMs = 3_600_000;
const closeMs = 10_000;

/** The names of the two instances that the note knows. */
const llmInstance = 'llm_instance';
const mcpClient = 'mcp_client';

/** The timer of its clean-up keeps no process alive. Failures: invalid for options that are none. */
export function createUserContexts(varve: Varve, options: UserContextsOptions = {}): UserContexts {
  const { maxIdleHours = 24, sweepEveryMs = hourMs, maxContexts = 100_000 } = options;
  checkOption('maxIdleHours', maxIdleHours > 0);
  checkOption('sweepEveryMs', sweepEveryMs >= 1 && sweepEveryMs < 2 ** 31);
  checkOption('maxContexts', Number.isSafeInteger(maxContexts) && maxContexts >= 1);
  return new ContextsOfUsers(varve, { ...options, maxIdleHours, sweepEveryMs, maxContexts });
}

type Settings = UserContextsOptions &
  Required<Pick<UserContextsOptions, 'maxIdleHours' | 'sweepEveryMs' | 'maxContexts'>>;

class ContextsOfUsers implements UserContexts {
  readonly #varve: Varve;
  readonly #settings: Settings;
  readonly #held: HeldContexts;
  readonly #instances: UserInstances;
  /** Of the process, without a user: the note's global ones. */
  readonly #everybody: HeldContext = { user: { user: '' }, lastAccess: 0, users: 0, instances: new Map() };
  readonly #sweep: NodeJS.Timeout;
  #isClosed = false;

  constructor(varve: Varve, settings: Settings) {
    this.#varve = varve;
    this.#settings = settings;
    this.#held = createHeldContexts(settings.maxContexts, settings.now ?? (() => varve.now()));
    this.#instances = new UserInstances((failure) => this.#tellTrouble(failure));
    this.#sweep = setInterval(() => void this.cleanupInactiveUserContexts(), settings.sweepEveryMs);
    this.#sweep.unref();
  }

  get(who: Who): UserContext {
    return this.#read(this.#touch(who), runtimeKeys).context;
  }

  set(who: Who, fields: RuntimeFieldsToSet, reason?: string): Promise<Written> {
    return this.#write(who, fields, reason);
  }

  run<R>(who: Who, work: () => Promise<R>): Promise<R>;
  run<R>(who: Who, work: () => R): R;
  run<R>(who: Who, work: () => R | Promise<R>): R | Promise<R> {
    const holds = new Holds();
    return this.#run(who, work, holds, () => holds.letGo());
  }

  current(): UserContext | undefined {
    const user = currentUser(this);
    return user === undefined ? undefined : this.get(user);
  }

  async slot<T>(
    who: Who,
    name: string,
    make: (context: UserContext) => T | Promise<T>,
    dispose: (instance: T) => unknown = () => undefined,
    { dependsOn = runtimeKeys }: SlotOptions = {},
  ): Promise<T> {
    const held = this.#touch(who);
    const { context, madeFrom } = this.#makingOf(held, dependsOn);
    const { user } = held;
    const madeWith = new Holds();
    const instance = this.#instances.ask(held, name, madeFrom, {
      make: () => this.#run(user, () => make(context), madeWith),
      dispose,
      madeWith,
    });
    holdForRequest(instance);
    return instance.made;
  }

  held() {
    return { contexts: this.#held.size(), instances: this.#instances.count };
  }

  seen(limit: number) {
    const latest = limit < 1 ? [] : [...this.#held.all()].slice(-limit).reverse();
    return latest.map(({ user, lastAccess }) => ({ context: user, lastAccess }));
  }

  getUserProvider(who?: Who): string | null {
    return this.#fields(who).provider;
  }

  setUserProvider(provider: string | null, who?: Who): Promise<Written> {
    return this.#write(who, { provider });
  }

  getUserModel(who?: Who): string | null {
    return this.#fields(who).model;
  }

  setUserModel(model: string | null, who?: Who): Promise<Written> {
    return this.#write(who, { model });
  }

  getUserLlmInstance(who?: Who): unknown {
    return this.#current(llmInstance, who);
  }

  setUserLlmInstance<T>(instance: T | null, who?: Who, dispose?: (instance: T) => unknown): void {
    this.#put(llmInstance, instance, who, dispose);
  }

  getUserMcpClient(who?: Who): unknown {
    return this.#current(mcpClient, who);
  }

  setUserMcpClient<T>(client: T | null, who?: Who, dispose?: (client: T) => unknown): void {
    this.#put(mcpClient, client, who, dispose);
  }

  async cleanupInactiveUserContexts(maxAgeHours = this.#settings.maxIdleHours): Promise<number> {
    if (this.#settings.mode === 'single-user') return 0;
    checkOption('maxAgeHours', maxAgeHours >= 0);
    return this.#held.dropIdle(maxAgeHours * hourMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeMs);
    });
    await Promise.race([Promise.all([this.#held.dropAll(), retireAll(this.#everybody)]), late]);
    clearTimeout(timer);
  }

  #run<R>(who: Who, work: () => R | Promise<R>, holds: Holds, onEnd = () => {}): R | Promise<R> {
    const held = this.#touch(who);
    held.users += 1;
    const end = () => {
      held.users -= 1;
      onEnd();
    };
    return runRequest({ contexts: this, user: held.user, holds }, end, work);
  }

  #touch(who: Who): HeldContext {
    this.#checkOpen();
    return this.#held.touch(userOf(who, currentUser(this)));
  }

  #read({ user, lastAccess }: HeldContext, keys: readonly string[]) {
    const { values } = readTogether(this.#varve, keys, user);
    return { context: userContextOf(user.user, values, lastAccess), values };
  }

  /** What an instance is made with and from. */
  #makingOf(held: HeldContext, dependsOn: readonly string[]) {
    const keys = dependsOn === runtimeKeys ? runtimeKeys : [...new Set([...runtimeKeys, ...dependsOn])];
    const { context, values } = this.#read(held, keys);
    const madeFrom = JSON.stringify(dependsOn.map((key) => values.get(key)?.value ?? null));
    return { context, madeFrom };
  }

  #fields(who: Who | undefined): RuntimeFields {
    if (who !== undefined) return this.get(who);
    this.#checkOpen();
    return userContextOf('', readTogether(this.#varve, runtimeKeys, {}).values, 0);
  }

  /** Never both: the note's "also set global" is how one user's provider came to another. */
  async #write(who: Who | undefined, fields: RuntimeFieldsToSet, reason?: string): Promise<Written> {
    this.#checkOpen();
    const user = who === undefined ? undefined : this.#touch(who).user.user;
    const whose = user === undefined ? 'everybody' : `user ${user}`;
    return writeRuntimeFields(
      this.#varve,
      user === undefined ? 'global' : `user:${user}`,
      fields,
      reason ?? `The runtime context of ${whose} is set`,
    );
  }

  #heldBy(who: Who | undefined): HeldContext {
    this.#checkOpen();
    return who === undefined ? this.#everybody : this.#touch(who);
  }

  #tellTrouble(failure: Failure): void {
    try {
      this.#settings.onTrouble?.(failure);
    } catch {
      // Nobody is left to be told.
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Failure('unavailable', 'the contexts are closed', { reason: 'closed' });
  }

  #current(name: string, who: Who | undefined): unknown {
    const known = this.#heldBy(who).instances.get(name)?.instance;
    if (known === undefined) return null;
    holdForRequest(known);
    return known.current() ?? null;
  }

  #put<T>(
    name: string,
    made: T | null,
    who: Who | undefined,
    dispose: (made: T) => unknown = () => undefined,
  ) {
    const held = this.#heldBy(who);
    if (made === null) this.#instances.takeAway(held, name);
    else holdForRequest(this.#instances.put(held, name, made, dispose));
  }
}

/** Ours for good: what the caller does to his own object afterwards makes nobody another user. Failures: invalid. */
function userOf(who: Who, running: UserInContext | undefined): UserInContext {
  if (typeof who === 'string' && running?.user === who) return running;
  const { user, tenant, tier } = typeof who === 'string' ? { user: who } : { ...who };
  checkId('user', user);
  if (tenant !== undefined) checkId('tenant', tenant);
  if (tier !== undefined) checkId('tier', tier);
  return Object.freeze({
    user,
    ...(tenant === undefined ? {} : { tenant }),
    ...(tier === undefined ? {} : { tier }),
  });
}

function checkId(name: string, id: unknown): void {
  if (typeof id === 'string' && isScopeId(id)) return;
  throw new Failure('invalid', `the ${name} is none: 1 to 200 characters without control characters`, {
    reason: 'bad_context',
  });
}

function checkOption(name: string, isRight: boolean): void {
  if (!isRight) throw new Failure('invalid', `${name} is out of its range`, { reason: 'bad_options' });
}
