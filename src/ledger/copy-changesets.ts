/**
 * A ledger as whole changesets, read page by page.
 */
import { Failure } from '../failure.ts';
import type { Ledger, StoredEvent } from './ledger.ts';

const pageSize = 5_000;

/** The changesets after a revision, in order. What is still unfinished at the end of the ledger is the last one. */
export async function* changesetsAfter(
  log: Ledger,
  ledger: string,
  after: number,
): AsyncGenerator<readonly StoredEvent[]> {
  let changeset: StoredEvent[] = [];
  for (let at = after; ; ) {
    const page = await log.read(ledger, at, pageSize);
    if (page.length === 0) break;
    for (const event of page) {
      at += 1;
      if (event.revision !== at) throw notContiguous(ledger, at, event.revision);
      changeset.push(event);
      if (!isLast(event)) continue;
      yield changeset;
      changeset = [];
    }
  }
  if (changeset.length > 0) yield changeset;
}

/** What an event means does not matter here, only whether its changeset ends with it. */
function isLast({ bytes }: StoredEvent): boolean {
  const event: unknown = JSON.parse(bytes);
  return typeof event === 'object' && event !== null && Reflect.get(event, 'last') === true;
}

function notContiguous(ledger: string, wanted: number, found: number): Failure {
  return new Failure('corrupt', `ledger ${ledger} goes on with ${found} where ${wanted} should be`, {
    reason: 'not_contiguous',
  });
}
