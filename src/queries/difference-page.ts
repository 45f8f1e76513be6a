/**
 * Reads the next events that a value can rest on, for first-difference.ts: of its key and scopes, and of the models that it
 * can come to. Models come into play as overrides, fallbacks and successors name them, so they are looked for until none
 * is new; what they were before the page goes into the timeline.
 */
import { modelSubject, type RecordedEvent } from '../domain/event.ts';
import { modelsNamedBy, modelsNamedIn, type Timeline } from '../domain/first-difference.ts';
import { differenceCandidates } from './difference-candidates.ts';
import type { RevisionRange } from './history-range.ts';
import { modelsAt } from './models-at.ts';
import type { Database } from './rows-of.ts';

/** Events that are read at once, of each sort. */
const pageSize = 500;

export interface EventPage {
  /** In order of revision. */
  readonly events: readonly RecordedEvent[];
  /** Nothing is left out up to this revision. */
  readonly upTo: number;
}

/** The first page of a range. New models are put into the timeline as they were at its beginning. */
export async function readPage(
  database: Database,
  ledger: string,
  timeline: Timeline,
  subjects: readonly string[],
  { first, last }: RevisionRange,
): Promise<EventPage> {
  const own = await differenceCandidates(database, ledger, subjects, { first, last }, pageSize);
  const range = { first, last: endOf(own, last) };
  if (!holdsModels(timeline, own)) return { events: own, upTo: range.last };
  const named = new Set([...modelsNamedBy(timeline), ...own.flatMap(modelsNamedIn)]);
  const ofModels = await eventsOfModels(database, ledger, timeline, named, range);
  const events = [...own, ...ofModels.events]
    .filter(({ revision }) => revision <= ofModels.upTo)
    .sort((one, other) => one.revision - other.revision);
  return { events, upTo: ofModels.upTo };
}

/** A key's type is for ever. */
function holdsModels({ slots }: Timeline, events: readonly RecordedEvent[]): boolean {
  if (slots.definition !== undefined) return slots.definition.definition.valueType === 'model';
  return events.some(({ type, data }) => type === 'KeyDefined' && data.valueType === 'model');
}

async function eventsOfModels(
  database: Database,
  ledger: string,
  timeline: Timeline,
  named: ReadonlySet<string>,
  { first, last }: RevisionRange,
): Promise<EventPage> {
  const events: RecordedEvent[] = [];
  const asked = new Set<string>();
  let upTo = last;
  let fresh: readonly string[] = [...new Set([...named, ...timeline.models.keys()])];
  while (fresh.length > 0) {
    for (const id of fresh) asked.add(id);
    const unknown = fresh.filter((id) => !timeline.models.has(id));
    for (const model of await modelsAt(database, ledger, first - 1, unknown)) {
      if (!timeline.models.has(model.id)) timeline.models.set(model.id, { ...model, prices: [] });
    }
    const subjects = fresh.map(modelSubject);
    const found = await differenceCandidates(database, ledger, subjects, { first, last: upTo }, pageSize);
    events.push(...found);
    upTo = endOf(found, upTo);
    const successors = found.flatMap(modelsNamedIn);
    const standing = [...timeline.models.values()].flatMap(({ id, successor }) => [id, successor ?? id]);
    fresh = [...new Set([...successors, ...standing])].filter((id) => !asked.has(id));
  }
  return { events, upTo };
}

/** A full page says nothing about what comes after its last event. */
function endOf(events: readonly RecordedEvent[], last: number): number {
  return events.length < pageSize ? last : (events.at(-1)?.revision ?? last);
}
