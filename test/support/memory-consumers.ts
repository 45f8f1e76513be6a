/**
 * Consumers and contexts seen, kept in memory: what the tables do, for tests of http/ that need no database.
 * test/queries/consumers-cases.ts holds both to the same.
 */
import {
  type ActiveContext,
  type ArrivalReads,
  type Consumer,
  type ConsumerName,
  maxConsumers,
  silentAfterMs,
} from '../../src/domain/arrival.ts';
import type { ConsumerStore } from '../../src/http/dependencies.ts';
import { paged } from './paged.ts';

export interface MemoryConsumers extends ConsumerStore {
  readonly reads: ArrivalReads;
}

export function createMemoryConsumers(): MemoryConsumers {
  /** By ledger and client, then by instance. */
  const rows = new Map<string, Map<string, Map<string, Consumer>>>();
  const contexts = new Map<string, ActiveContext & { readonly ledger: string }>();
  const of = (ledger: string): readonly Consumer[] =>
    [...(rows.get(ledger)?.values() ?? [])]
      .flatMap((processes) => [...processes.values()])
      .toSorted((one, other) => compare(namesOf(one), namesOf(other)));
  return {
    async keep(ledger, heartbeats) {
      const clients = rows.get(ledger) ?? new Map<string, Map<string, Consumer>>();
      rows.set(ledger, clients);
      let count = [...clients.values()].reduce((sum, { size }) => sum + size, 0);
      const refused: ConsumerName[] = [];
      for (const { client, instance, revision, at, isLeaving, isRepeat } of heartbeats) {
        const processes = clients.get(client) ?? new Map<string, Consumer>();
        clients.set(client, processes);
        const known = processes.get(instance);
        const before = processes.size;
        if (isLeaving) processes.delete(instance);
        else if (known !== undefined) processes.set(instance, moved(known, revision, at));
        else if (isRepeat) refused.push({ client, instance });
        else {
          for (const [other, row] of processes)
            if (row.lastSeenAt < at - silentAfterMs) processes.delete(other);
          const times = { firstSeenAt: at, lastSeenAt: at, movedAt: at };
          if (count - before + processes.size >= maxConsumers) count -= evictOne(clients, at - silentAfterMs);
          if (count - before + processes.size >= maxConsumers) refused.push({ client, instance });
          else processes.set(instance, { client, instance, revision, ...times });
        }
        count += processes.size - before;
      }
      return refused;
    },
    async noteContexts(ledger, seen) {
      for (const { at, ...context } of seen) {
        const { user, tenant, tier } = context;
        if (user === undefined) continue;
        const name = JSON.stringify([ledger, user, tenant, tier]);
        const lastSeenAt = Math.max(at, contexts.get(name)?.lastSeenAt ?? 0);
        contexts.set(name, { ledger, context: { ...context, user }, lastSeenAt, how: 'consumer' });
      }
    },
    reads: {
      async consumers(ledger, after, limit) {
        const behind = of(ledger).filter(
          (row) => after === undefined || compare(namesOf(row), namesOf(after)) > 0,
        );
        return behind.slice(0, limit);
      },
      async leastRevision(ledger, heardSince) {
        const heard = of(ledger).filter(({ lastSeenAt }) => lastSeenAt >= heardSince);
        return heard.length === 0 ? undefined : Math.min(...heard.map(({ revision }) => revision));
      },
      async activeContexts(ledger, seenSince, page) {
        const active = [...contexts.values()]
          .filter((row) => row.ledger === ledger && row.lastSeenAt >= seenSince)
          .toSorted((one, other) => other.lastSeenAt - one.lastSeenAt);
        return paged(
          active.map(({ ledger: _, ...row }) => row),
          page,
        );
      },
    },
  };
}

/** The one that is silent longest; answers how many that were. */
function evictOne(clients: ReadonlyMap<string, Map<string, Consumer>>, heardSince: number): number {
  const silent = [...clients.values()]
    .flatMap((processes) => [...processes.values()])
    .filter(({ lastSeenAt }) => lastSeenAt < heardSince)
    .toSorted((one, other) => one.lastSeenAt - other.lastSeenAt || compare(namesOf(one), namesOf(other)));
  const [oldest] = silent;
  if (oldest === undefined) return 0;
  clients.get(oldest.client)?.delete(oldest.instance);
  return 1;
}

/** What is heard late changes nothing. */
function moved(known: Consumer, revision: number, at: number): Consumer {
  if (at < known.lastSeenAt) return known;
  const movedAt = revision === known.revision ? known.movedAt : at;
  return { ...known, revision, movedAt, lastSeenAt: at };
}

function namesOf({ client, instance }: ConsumerName): readonly string[] {
  return [client, instance];
}

function compare(one: readonly string[], other: readonly string[]): number {
  const index = one.findIndex((part, place) => part !== other[place]);
  if (index < 0) return 0;
  return (one[index] ?? '') < (other[index] ?? '') ? -1 : 1;
}
