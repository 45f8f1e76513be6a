/**
 * Field-level before and after of an event, for people: the diff of its subject's views at the moment at which it takes
 * effect. Pure; used for the answer of a write and by the history projection.
 */
import { differences, type FieldChange } from './diff.ts';
import type { EventBody } from './event.ts';
import { intervalOf, type Placed } from './evolve.ts';
import { parseInstant } from './instant.ts';
import type { SubjectState } from './subject-state.ts';
import { isEmptyPart, viewOf } from './subject-view.ts';

export { equal, type FieldChange } from './diff.ts';

/** What an event changed in its subject, field by field, in the order of their names. */
export function fieldChanges(
  before: SubjectState | undefined,
  after: SubjectState,
  event: Placed,
): readonly FieldChange[] {
  const moment = momentOf(event, before);
  const changes = differences(viewOf(before, moment), viewOf(after, moment));
  return changes.filter((change) => !isEmptyPart(change.field, change.after));
}

/** The moment for which before and after are compared: when the event takes effect. */
function momentOf(event: Placed, before: SubjectState | undefined): number {
  const recordedAt = parseInstant(event.recordedAt) ?? 0;
  if (event.type === 'OverrideWithdrawn' && before !== undefined && 'assertions' in before) {
    const withdrawn = before.assertions.find(({ revision }) => revision === event.data.revision);
    return withdrawn?.from ?? recordedAt;
  }
  if (!hasInterval(event)) return recordedAt;
  const { from } = intervalOf(event.data, recordedAt);
  // Prices of the past are kept in the state; of an override that is imported with an earlier start, only what lasts.
  return event.type === 'ModelPriceChanged' || event.type === 'ModelPriceCorrected'
    ? from
    : Math.max(from, recordedAt);
}

function hasInterval(event: EventBody): event is Extract<EventBody, { data: { effectiveFrom?: string } }> {
  return 'effectiveFrom' in event.data;
}
