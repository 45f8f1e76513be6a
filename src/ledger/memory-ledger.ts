/**
 * A ledger in this process' memory: for unit tests of what stands on the port. It keeps every guarantee of the port
 * but survival. Held to the same contract suite as the real engines.
 */
import type { AppendResult, Head, Ledger, StoredEvent } from './ledger.ts';

const emptyHead: Head = { revision: 0, recordedAt: 0 };
const maxReadBytes = 8 * 1024 * 1024;

export interface MemoryLedgerOptions {
  readonly maxChangesetBytes?: number;
  /** `memory` when absent. */
  readonly identity?: string;
}

/** A new, empty log; `maxChangesetBytes` can be made small to test what is refused for its size. */
export function createMemoryLedger(options: MemoryLedgerOptions = {}): Ledger {
  const logs = new Map<string, StoredEvent[]>();
  const followers = new Map<string, Set<(revision?: number) => void>>();

  const headOf = (ledger: string): Head => {
    const last = logs.get(ledger)?.at(-1);
    return last === undefined ? emptyHead : { revision: last.revision, recordedAt: last.recordedAt };
  };

  return {
    engine: 'memory',
    maxChangesetBytes: options.maxChangesetBytes ?? 64 * 1024 * 1024,
    eventOverheadBytes: 1,

    identity: async () => Promise.resolve(options.identity ?? 'memory'),

    names: async () => Promise.resolve([...logs.keys()].sort().slice(0, 100)),

    async append(ledger, expectedRevision, events): Promise<AppendResult> {
      await Promise.resolve();
      const head = headOf(ledger);
      if (head.revision !== expectedRevision) return { appended: false, head };
      const log = logs.get(ledger) ?? [];
      log.push(...events);
      logs.set(ledger, log);
      const { revision } = headOf(ledger);
      for (const onAdvance of followers.get(ledger) ?? []) queueMicrotask(() => onAdvance(revision));
      return { appended: true };
    },

    async read(ledger, after, limit): Promise<readonly StoredEvent[]> {
      await Promise.resolve();
      const page: StoredEvent[] = [];
      let bytes = 0;
      for (const event of (logs.get(ledger) ?? []).slice(after, after + limit)) {
        bytes += event.bytes.length;
        if (page.length > 0 && bytes > maxReadBytes) break;
        page.push(event);
      }
      return page;
    },

    head: async (ledger) => Promise.resolve(headOf(ledger)),

    follow(ledger, onAdvance) {
      const set = followers.get(ledger) ?? new Set();
      followers.set(ledger, set.add(onAdvance));
      return { stop: () => set.delete(onAdvance) };
    },
  };
}
