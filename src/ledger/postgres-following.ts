/**
 * Tells who follows a Postgres log that it may have grown: at once for appends of this process, by NOTIFY for those of
 * others, and by a poll for whatever was lost.
 * It must never notify inside an append: NOTIFY takes a global lock at commit (measured: 15,100 → 3,400 transactions/s).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { endConnection, isAlive } from '../database/connection-limits.ts';
import type { Ledger } from './ledger.ts';

const channel = 'varve_ledger';
/** Many small appends cost one notification. */
const notifyEveryMs = 20;
/** A listener that hears nothing may have nothing to hear, or no network: it asks. */
const signLimitMs = 5_000;
const endLimitMs = 1_000;

export interface FollowingOptions {
  readonly pool: pg.Pool;
  /** A connection of its own that listens, made again whenever it is lost; undefined: only the poll tells. */
  readonly connectListener?: () => Promise<pg.Client>;
  /** How often followers look at the log in case a notification was lost. */
  readonly pollMs: number;
}

export interface Following {
  readonly follow: Ledger['follow'];
  /** To be called after an append of this process, with the head that it made. */
  appended(ledger: string, revision: number): void;
  stop(): Promise<void>;
}

type Follower = Parameters<Ledger['follow']>[1];

export function openFollowing({ pool, connectListener, pollMs }: FollowingOptions): Following {
  const followers = new Map<string, Set<Follower>>();
  const wake = (ledger: string, revision?: number) => {
    for (const onAdvance of followers.get(ledger) ?? []) onAdvance(revision);
  };
  const wakeAll = () => {
    for (const ledger of followers.keys()) wake(ledger);
  };
  const notifier = createNotifier(pool);
  const listener = connectListener === undefined ? undefined : createListener(connectListener, wake, wakeAll);
  const poll = setInterval(() => {
    wakeAll();
    listener?.connect();
  }, pollMs);
  poll.unref();

  return {
    follow(ledger, onAdvance) {
      const set = followers.get(ledger) ?? new Set();
      followers.set(ledger, set.add(onAdvance));
      listener?.connect();
      return { stop: () => set.delete(onAdvance) };
    },
    appended(ledger, revision) {
      // In the next turn: whoever appended has folded its own by then, and need not read it back.
      setImmediate(wake, ledger, revision);
      notifier.notifySoon(ledger, revision);
    },
    async stop() {
      clearInterval(poll);
      followers.clear();
      notifier.stop();
      await listener?.stop();
    },
  };
}

function createNotifier(pool: pg.Pool) {
  const pending = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function notify(): void {
    timer = undefined;
    const payloads = [...pending].map(writePayload);
    pending.clear();
    // Lost notifications are made good by the poll.
    pool
      .query(`select pg_notify('${channel}', payload) from unnest($1::text[]) as payload`, [payloads])
      .catch(() => undefined);
  }

  return {
    notifySoon(ledger: string, revision: number): void {
      if (isStopped) return;
      pending.set(ledger, revision);
      timer ??= setTimeout(notify, notifyEveryMs);
    },
    stop(): void {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** One connection at a time; it is made (again) by `connect` when there is none. */
function createListener(
  connectClient: () => Promise<pg.Client>,
  wake: (ledger: string, revision?: number) => void,
  wakeAll: () => void,
) {
  let client: pg.Client | undefined;
  let connecting: Promise<void> | undefined;
  let isAsking = false;
  let isStopped = false;

  /** Never rejects. What grew while nobody listened is looked for right after. */
  async function open(): Promise<void> {
    let opened: pg.Client | undefined;
    try {
      opened = await connectClient();
      const mine = opened;
      const drop = () => {
        if (client === mine) client = undefined;
      };
      mine.on('error', drop);
      mine.on('end', drop);
      mine.on('notification', ({ payload = '' }) => wake(...readPayload(payload)));
      if (isStopped) throw new Error('nobody listens any more');
      client = mine;
      await mine.query(`listen ${channel}`);
      wakeAll();
    } catch {
      // The poll tries again, and tells of growth meanwhile.
      client = undefined;
      if (opened !== undefined) await endConnection(opened, endLimitMs);
    }
  }

  return {
    /** Makes the connection where there is none, and asks the one that there is whether it lives. */
    connect(): void {
      if (isStopped) return;
      if (client !== undefined) {
        // One question at a time; an answer that does not come cuts the connection, and the next call makes another.
        if (isAsking) return;
        isAsking = true;
        void isAlive(client, signLimitMs).then(() => {
          isAsking = false;
        });
        return;
      }
      connecting ??= open().finally(() => {
        connecting = undefined;
      });
    },
    async stop(): Promise<void> {
      isStopped = true;
      // One that is still on its way ends as soon as it stands.
      await Promise.race([connecting, sleep(endLimitMs, undefined, { ref: false })]);
      if (client !== undefined) await endConnection(client, endLimitMs);
    },
  };
}

/** `<revision> <ledger>`: who has that revision already need not look. */
function writePayload([ledger, revision]: readonly [ledger: string, revision: number]): string {
  return `${revision} ${ledger}`;
}

function readPayload(payload: string): readonly [ledger: string, revision: number | undefined] {
  const space = payload.indexOf(' ');
  const revision = Number(payload.slice(0, space));
  return [payload.slice(space + 1), Number.isSafeInteger(revision) ? revision : undefined];
}
