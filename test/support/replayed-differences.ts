/**
 * The difference of two points by replaying everything up to each of them: the slow truth beside queries/.
 * Events of one ledger and a question come in, all differences go out, in the order of subjects and fields.
 */
import type { Difference, DiffQuestion } from '../../src/domain/diff-questions.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import type { Moment } from '../../src/domain/questions.ts';
import type { SubjectState } from '../../src/domain/subject-state.ts';
import { pointDifferences, pointViewOf } from '../../src/domain/subject-view.ts';

const maxEvents = 100;

/** Where a revision is seen so many milliseconds after it was recorded, but before the next one. */
export function pointIn(events: readonly RecordedEvent[], asOf: number, later: number): Moment {
  const instantOf = (revision: number) => parseInstant(events[revision - 1]?.recordedAt ?? '') ?? 0;
  const from = instantOf(asOf);
  const at = asOf < events.length ? Math.min(from + later, instantOf(asOf + 1) - 1) : from + later;
  return { asOf, at: Math.max(from, at) };
}

export function replayedDifferences(
  events: readonly RecordedEvent[],
  { from, to }: Pick<DiffQuestion, 'from' | 'to'>,
): readonly Difference[] {
  const before = replay(events, from);
  const after = replay(events, to);
  const subjects = [...new Set([...before.keys(), ...after.keys()])].sort(byCodePoints);
  const [first, last] = [from.asOf, to.asOf].toSorted((one, other) => one - other);
  return subjects.flatMap((subject) => {
    const fields = pointDifferences(
      pointViewOf(before.get(subject), from.at),
      pointViewOf(after.get(subject), to.at),
    );
    const revisions = events
      .slice(first, last)
      .filter((event) => event.subject === subject)
      .map(({ revision }) => revision)
      .toReversed();
    const told = { events: revisions.slice(0, maxEvents), hasMoreEvents: revisions.length > maxEvents };
    return fields.map((field) => ({ subject, ...field, ...told }));
  });
}

function replay(events: readonly RecordedEvent[], { asOf }: Moment): ReadonlyMap<string, SubjectState> {
  const states = new Map<string, SubjectState>();
  for (const event of events.slice(0, asOf)) {
    states.set(event.subject, evolve(states.get(event.subject), event));
  }
  return states;
}

/** As Postgres' "C" has it; JavaScript compares UTF-16 units, where pairs come before U+E000. */
function byCodePoints(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
