/**
 * Rows that are versions of a subject, each in force until the next one: how the events of a batch follow each other.
 * Events of one kind of subject come in; out go their steps in order and the rows before the batch that they end.
 * Shared by keys.ts and catalogue.ts.
 */
import type { RecordedEvent } from '../src/domain/event.ts';

export interface SuccessiveVersions<Event extends RecordedEvent> {
  readonly steps: readonly {
    readonly event: Event;
    /** Revision of the subject's next event in the batch; null when its row stays the current one. */
    readonly untilRevision: number | null;
  }[];
  /** The first event in the batch of each subject that had events before: it ends their current row. */
  readonly endings: readonly Event[];
}

export function successiveVersions<Event extends RecordedEvent>(
  events: readonly Event[],
): SuccessiveVersions<Event> {
  const next = new Map<string, number>();
  const steps = events
    .toReversed()
    .map((event) => {
      const untilRevision = next.get(event.subject) ?? null;
      next.set(event.subject, event.revision);
      return { event, untilRevision };
    })
    .reverse();
  const endings = events.filter(
    ({ subject, revision, version }) => version > 1 && next.get(subject) === revision,
  );
  return { steps, endings };
}
