/**
 * The first difference by looking at everything: each revision when it was recorded, and given moments between them. The
 * slow truth that first-difference.ts is compared with, and the answer of an assembly without a database.
 */
import type { DifferenceQuestion, FirstDifference } from '../../src/domain/blame-questions.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { equal } from '../../src/domain/field-changes.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { type Resolution, resolve } from '../../src/domain/resolve.ts';

/** `moments` (epoch milliseconds, ascending) are looked at where no event was recorded. */
export function replayedFirstDifference(
  events: readonly RecordedEvent[],
  { key, context, from, to }: DifferenceQuestion,
  moments: readonly number[] = [],
): FirstDifference | undefined {
  const state = new LiveState();
  for (const event of events.slice(0, from.asOf)) state.apply(event);
  const answer = (at: number) => resolve(state, key, context, at);
  const first = answer(from.at);
  let before = first;
  /** At the first moment after one and before another at which it differs by itself. */
  const between = (after: number, end: number): FirstDifference | undefined => {
    for (const at of moments.filter((moment) => moment > after && moment < end)) {
      const found = answer(at);
      const revision = state.revision < to.asOf ? state.revision + 1 : null;
      if (!isSame(first, found)) return { revision, at, before, after: found, event: undefined };
      before = found;
    }
    return undefined;
  };
  let seen = from.at;
  for (const event of events.slice(from.asOf, to.asOf)) {
    const at = parseInstant(event.recordedAt) ?? 0;
    const byTime = between(seen, at);
    if (byTime !== undefined) return byTime;
    const unchanged = answer(at);
    state.apply(event);
    seen = at;
    const after = answer(at);
    if (!isSame(first, after)) {
      const made = isSame(unchanged, after) ? undefined : event;
      return { revision: event.revision, at, before, after, event: made };
    }
    before = after;
  }
  return between(seen, to.at + 1);
}

function isSame(one: Resolution | undefined, other: Resolution | undefined): boolean {
  return one === undefined || other === undefined ? one === other : equal(one.value, other.value);
}
