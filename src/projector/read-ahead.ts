/**
 * A log that is read through from front to back: while a page is worked on, the next one is already on its way.
 * A Ledger comes in and one of the same content goes out. One page is held beside the one that is worked on.
 */
import type { Ledger, StoredEvent } from '../ledger/ledger.ts';

interface Ahead {
  readonly ledger: string;
  readonly after: number;
  readonly limit: number;
  readonly page: Promise<readonly StoredEvent[]>;
}

export function readingAhead(log: Ledger): Ledger {
  let ahead: Ahead | undefined;
  const take = async (ledger: string, after: number, limit: number): Promise<readonly StoredEvent[]> => {
    const known = ahead;
    ahead = undefined;
    const isIt = known?.ledger === ledger && known.after === after && known.limit === limit;
    const page = isIt ? await known.page : [];
    // The log may have grown since it was found to end there.
    return page.length > 0 ? page : log.read(ledger, after, limit);
  };
  return {
    ...log,
    async read(ledger, after, limit) {
      const page = await take(ledger, after, limit);
      const last = page.at(-1);
      if (last !== undefined) {
        const next = log.read(ledger, last.revision, limit);
        // Its failure is met by who takes it; until then nobody may call it unhandled.
        next.catch(() => undefined);
        ahead = { ledger, after: last.revision, limit, page: next };
      }
      return page;
    },
  };
}
