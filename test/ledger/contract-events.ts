/** What the contract of the Ledger port is told with: events as the writer would hand them over, and readers. */
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import type { Ledger, StoredEvent } from '../../src/ledger/ledger.ts';

export interface OpenedLog {
  readonly here: Ledger;
  /** Another instance on the same log. */
  readonly elsewhere: Ledger;
  close(): Promise<void>;
}

/** The log of the running test and the ledger that it asks about; both are new in every test. */
export interface ContractStand {
  readonly log: OpenedLog;
  readonly name: string;
}

export const startMs = Date.UTC(2026, 0, 1);

/** `text` stands in the bytes of each. */
export function storedEvents(first: number, count: number, text: unknown = 'a "value"'): StoredEvent[] {
  return Array.from({ length: count }, (_, place) => {
    const revision = first + place;
    return {
      revision,
      recordedAt: startMs + first,
      bytes: canonicalJson({ revision, text, last: place === count - 1 }),
    };
  });
}

/** Ten thousand events, or as many as the engine takes at once. */
export function largestChangeset(ledger: Ledger): StoredEvent[] {
  const events = storedEvents(1, 10_000, 'x'.repeat(500));
  const count = events.findIndex(
    (_, place) => (place + 1) * takenBy(ledger, events.at(-1)) > ledger.maxChangesetBytes,
  );
  return storedEvents(1, count < 0 ? events.length : count, 'x'.repeat(500));
}

/** Appends events to an empty ledger, as many at once as the engine takes. */
export async function appendAll(ledger: Ledger, name: string, events: readonly StoredEvent[]): Promise<void> {
  for (let done = 0; done < events.length; ) {
    let bytes = 0;
    const rest = events.slice(done);
    const full = rest.findIndex((event) => {
      bytes += takenBy(ledger, event);
      return bytes > ledger.maxChangesetBytes;
    });
    const page = full < 0 ? rest : rest.slice(0, full);
    await ledger.append(name, done, page);
    done += page.length;
  }
}

function takenBy(ledger: Ledger, event: StoredEvent | undefined): number {
  return Buffer.byteLength(event?.bytes ?? '') + ledger.eventOverheadBytes;
}

export async function readAll(ledger: Ledger, name: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = await ledger.read(name, events.length, 10_000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}
