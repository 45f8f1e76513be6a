/**
 * A fold to be tested, and changesets for it, decided as the writer decides them.
 */
import type { RecordedEvent } from '../../src/domain/event.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { CommitGroup } from '../../src/ledger/commit-group.ts';
import { decodeEvent } from '../../src/ledger/event-codec.ts';
import { IdempotencyTail } from '../../src/ledger/idempotency.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { LiveFold } from '../../src/ledger/live-fold.ts';
import { defineKey, request, set, start } from './writer-stand.ts';

export function openFold(log: Ledger, now = () => start) {
  const told: (readonly RecordedEvent[])[] = [];
  const stops: unknown[] = [];
  const troubles: unknown[] = [];
  const fold = new LiveFold({
    name: 'default',
    log,
    state: new LiveState(),
    idempotency: new IdempotencyTail(0),
    now,
    onStopped: (failure) => stops.push(failure),
    onTrouble: (failure) => troubles.push(failure),
  });
  fold.onChangeset((events) => told.push(events));
  return { fold, told, stops, troubles };
}

/** Decides changesets on a state, as the writer does; `sizes` are their numbers of changes. */
export function groupOf(state: LiveState, sizes: readonly number[], author: string): CommitGroup {
  const group = new CommitGroup('default', state, start + state.revision);
  for (const [place, size] of sizes.entries()) {
    const first = state.revision === 0 && place === 0 ? [defineKey] : [];
    const changes = Array.from({ length: size }, (_, n) =>
      set(`${author}-${n}`, state.revision * 100 + place * 10 + n),
    );
    const id = `${author}-${state.revision}-${place}`;
    group.take(group.decide(request([...first, ...changes], { idempotency: { key: id, bodyHash: id } }), id));
  }
  return group;
}

export const append = (log: Ledger, base: number, group: CommitGroup) =>
  log.append('default', base, group.stored);

export async function changesetsOf(log: Ledger): Promise<RecordedEvent[][]> {
  const changesets: RecordedEvent[][] = [[]];
  for (const event of (await log.read('default', 0, 10_000)).map(decodeEvent)) {
    changesets.at(-1)?.push(event);
    if (event.last) changesets.push([]);
  }
  return changesets.slice(0, -1);
}
