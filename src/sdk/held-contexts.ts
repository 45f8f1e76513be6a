/**
 * What the process holds for each user: when he was last there, and his instances. Bounded, in the order of last access.
 * In: user ids; out: their records. It never lets go of one that a request is using, and never reads a ledger.
 */
import { Failure } from '../failure.ts';
import type { Instance } from './instance.ts';
import type { UserInContext } from './user-context.ts';

export interface NamedInstance {
  readonly instance: Instance;
  /** What it was made from, as text; undefined when it was handed in. */
  readonly madeFrom: string | undefined;
}

export interface HeldContext {
  /** As he was asked for last. */
  user: UserInContext;
  /** Epoch milliseconds. */
  lastAccess: number;
  /** How many requests, and instances in the making, use it at present. */
  users: number;
  readonly instances: Map<string, NamedInstance>;
}

export interface HeldContexts {
  /** The record of a user, made when there is none; he was there now. Failures: limited (all are in use). */
  touch(user: UserInContext): HeldContext;
  /** The longest unused first. */
  all(): Iterable<HeldContext>;
  size(): number;
  /** Lets go of all that were not accessed for longer than so long, in slices; answers how many. */
  dropIdle(maxIdleMs: number): Promise<number>;
  /** Lets go of all; resolves when their instances are disposed. */
  dropAll(): Promise<void>;
}

/** How many of the longest unused are looked at for one that nobody uses. */
const maxLooks = 1_000;
/** So many are looked at in one go: each takes about a microsecond, and what its disposals do at once. */
const sliceSize = 200;

export function createHeldContexts(maxContexts: number, now: () => number): HeldContexts {
  const held = new Map<string, HeldContext>();
  let latest = 0;
  /** The order is that of the accesses: a clock that is put back does not count. */
  const moveToEnd = (id: string, context: HeldContext) => {
    latest = Math.max(latest, now());
    context.lastAccess = latest;
    held.delete(id);
    held.set(id, context);
  };
  /** Looks at the longest unused one. What a request uses is accessed now, and so is not the oldest any more. */
  const dropOldest = (isOldEnough: (context: HeldContext) => boolean): 'dropped' | 'in use' | 'none' => {
    const [id, oldest] = held.entries().next().value ?? [];
    if (id === undefined || oldest === undefined || !isOldEnough(oldest)) return 'none';
    if (oldest.users > 0) {
      moveToEnd(id, oldest);
      return 'in use';
    }
    held.delete(id);
    void retireAll(oldest);
    return 'dropped';
  };
  const makeRoom = () => {
    for (let looks = 0; held.size >= maxContexts; looks++) {
      if (looks === maxLooks) {
        throw new Failure('limited', `${held.size} contexts are in use at once`, {
          reason: 'too_many_contexts',
        });
      }
      dropOldest(() => true);
    }
  };
  return {
    touch: (user) => {
      const known = held.get(user.user);
      if (known === undefined) makeRoom();
      const context = known ?? { user, lastAccess: 0, users: 0, instances: new Map() };
      context.user = user;
      moveToEnd(user.user, context);
      return context;
    },
    all: () => held.values(),
    size: () => held.size,
    dropIdle: async (maxIdleMs) => {
      const isIdle = ({ lastAccess }: HeldContext) => now() - lastAccess > maxIdleMs;
      let dropped = 0;
      // Each once: those in use go to the end, and time goes on.
      const most = held.size;
      for (let looks = 1; looks <= most; looks++) {
        const outcome = dropOldest(isIdle);
        if (outcome === 'none') break;
        if (outcome === 'dropped') dropped += 1;
        if (looks % sliceSize === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return dropped;
    },
    dropAll: async () => {
      const all = [...held.values()];
      held.clear();
      await Promise.all(all.map(retireAll));
    },
  };
}

/** Takes all instances out; resolves when they are disposed. */
export async function retireAll({ instances }: HeldContext): Promise<void> {
  const retired = [...instances.values()];
  instances.clear();
  await Promise.all(retired.map(({ instance }) => instance.retire()));
}
