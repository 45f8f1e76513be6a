/**
 * What two worlds hold that is not the same: keys, overrides, models and prices, field by field.
 * In: two open worlds; out: the first differences, by subject. Where both points are seen from their own time on, it is
 * the diff of the two (DiffReads); where one is seen earlier, what was in force at both moments is listed and compared.
 * Subjects that a draft touches are compared one by one.
 */

import type { Sides } from '../../domain/compare/world.ts';
import type { Difference } from '../../domain/diff-questions.ts';
import type { Reads } from '../../domain/reads.ts';
import { pointDifferences, pointViewOf } from '../../domain/subject-view.ts';
import { momentDifferences, momentView } from './compare-moments.ts';
import type { OpenWorld } from './open-world.ts';

export interface WorldsDiff {
  readonly items: readonly Difference[];
  /** False when there are more, or some could not be told. */
  readonly isComplete: boolean;
}

export type DiffingReads = Pick<Reads, 'waitFor' | 'differences' | 'keys' | 'models' | 'overrides'>;

/** The most differences that are answered. */
const maxItems = 1_000;
/** A page of the diff may hold nothing and go on; so many are looked at. */
const maxPages = 50;

const projections = ['assertions', 'keys', 'catalogue', 'prices', 'history'];

export async function worldsDiff(
  reads: DiffingReads,
  ledger: string,
  worlds: Sides<OpenWorld>,
): Promise<WorldsDiff> {
  const { left, right } = worlds;
  await reads.waitFor(ledger, Math.max(left.world.asOf, right.world.asOf), projections);
  const isEarly = left.isEarly || right.isEarly;
  const ofPoints = await (isEarly
    ? momentDifferences(reads, ledger, left.world, right.world)
    : pointsDiff(reads, ledger, worlds));
  const touched = touchedSubjects(worlds);
  if (touched.length === 0) return cut(ofPoints.items, ofPoints.isComplete);
  const viewOf = isEarly ? momentView : pointViewOf;
  const drafted = await draftedDifferences(worlds, touched, ofPoints.items, viewOf);
  const untouched = ofPoints.items.filter(({ subject }) => !touched.includes(subject));
  return cut([...untouched, ...drafted].sort(bySubject), ofPoints.isComplete);
}

function cut(items: readonly Difference[], isComplete: boolean): WorldsDiff {
  return { items: items.slice(0, maxItems), isComplete: isComplete && items.length <= maxItems };
}

async function pointsDiff(
  reads: DiffingReads,
  ledger: string,
  { left, right }: Sides<OpenWorld>,
): Promise<WorldsDiff> {
  const question = { from: left.world, to: right.world, isOpen: false, filter: {} };
  const items: Difference[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < maxPages && items.length < maxItems; pages++) {
    const limit = maxItems - items.length;
    const page = await reads.differences(ledger, question, { limit, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return { items, isComplete: true };
  }
  return { items, isComplete: false };
}

/** What has no value that a context sees is left out: tags. */
function touchedSubjects({ left, right }: Sides<OpenWorld>): readonly string[] {
  const drafts = [left.world.draft, right.world.draft].filter((draft) => draft !== undefined);
  const subjects = new Set(drafts.flatMap(({ touched }) => [...touched.keys()]));
  return [...subjects].filter((subject) => !subject.startsWith('tag:'));
}

/** The events are those between the points; a draft has none. */
async function draftedDifferences(
  { left, right }: Sides<OpenWorld>,
  subjects: readonly string[],
  ofPoints: readonly Difference[],
  viewOf: typeof pointViewOf,
): Promise<readonly Difference[]> {
  const [onLeft, onRight] = await Promise.all([left.subjects(subjects), right.subjects(subjects)]);
  const known = new Map(ofPoints.map((item) => [item.subject, item]));
  return subjects.flatMap((subject) => {
    const { events = [], hasMoreEvents = false } = known.get(subject) ?? {};
    const before = viewOf(onLeft.get(subject), left.world.at);
    const after = viewOf(onRight.get(subject), right.world.at);
    return pointDifferences(before, after).map((change) => ({ subject, ...change, events, hasMoreEvents }));
  });
}

function bySubject(one: Difference, other: Difference): number {
  if (one.subject !== other.subject) return one.subject < other.subject ? -1 : 1;
  return one.field < other.field ? -1 : 1;
}
