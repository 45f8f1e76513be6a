/**
 * Question: what differs between two points, subject by subject and field by field? One page by keyset.
 * Subjects that can differ come from differing-subjects.ts, their states at both points from subject-states-at.ts; what
 * differs between these is the domain's one diff.
 */
import { z } from 'zod';
import type { FieldChange } from '../domain/diff.ts';
import type { Difference, DifferencePage, DiffQuestion } from '../domain/diff-questions.ts';
import type { Moment, PageRequest } from '../domain/questions.ts';
import { pointDifferences, pointViewOf } from '../domain/subject-view.ts';
import { cursorOf } from './cursor.ts';
import { type Between, betweenPoints, differingSubjects } from './differing-subjects.ts';
import { revisionsBetween } from './revisions-between.ts';
import type { Database } from './rows-of.ts';
import { subjectStatesAt } from './subject-states-at.ts';

/** The last instant that the effective clock can name (domain/instant.ts). */
const lastInstant = 253_402_300_799_999;

/** The subject with which the page begins, how many of its fields were shown, and where an open diff ends. */
const positionSchema = z.strictObject({
  subject: z.string(),
  shown: z.number().int().nonnegative(),
  to: z.strictObject({
    asOf: z.number().int().nonnegative(),
    at: z.number().int().min(0).max(lastInstant),
  }),
});
type Position = z.infer<typeof positionSchema>;
const differenceCursor = cursorOf<Position>(positionSchema);

/** The most events that are told of a subject. */
const maxEvents = 100;

/** Subjects are found in slices of this many, and compared in parts of them: neither is a long go without a pause. */
const sliceSize = 2_000;
const partSize = 250;

/** A page looks at this many slices at most: where nearly everything came back to what it was, it may be short. */
const maxSlices = 4;

/** What one subject says differently. */
interface Changed {
  readonly subject: string;
  readonly fields: readonly FieldChange[];
}

export async function listDifferences(
  database: Database,
  ledger: string,
  question: DiffQuestion,
  page: PageRequest,
): Promise<DifferencePage> {
  const start = differenceCursor.read(page.cursor);
  // Never beyond what the caller has waited for.
  const isKept = question.isOpen && start !== undefined && start.to.asOf <= question.to.asOf;
  const asked = isKept ? { ...question, to: start.to } : question;
  const { changed, next } = await changedSubjects(database, ledger, asked, page.limit, start);
  const shown = pageOfFields(changed, page.limit, start);
  const items = await withEvents(database, ledger, betweenPoints(asked.from, asked.to), shown.items);
  const behind = shown.next ?? (next === undefined ? undefined : { subject: next, shown: 0 });
  const nextCursor =
    behind === undefined ? null : differenceCursor.write({ ...behind, to: pointOf(asked.to) });
  return { to: asked.to, items, nextCursor };
}

interface Found {
  readonly changed: readonly Changed[];
  /** Where to go on looking; undefined when all subjects were looked at. */
  readonly next: string | undefined;
}

/** Subjects that really differ, as many as have more fields than a page holds. */
async function changedSubjects(
  database: Database,
  ledger: string,
  { from, to, filter }: DiffQuestion,
  limit: number,
  start: Position | undefined,
): Promise<Found> {
  const between = betweenPoints(from, to);
  const changed: Changed[] = [];
  // The first subject's fields may all have been shown, so one more than a page is not enough.
  let missing = limit + 1 + (start?.shown ?? 0);
  let next = start?.subject ?? '';
  for (let slice = 0; slice < maxSlices; slice++) {
    const subjects = await differingSubjects(database, ledger, {
      between,
      filter,
      from: next,
      limit: sliceSize,
    });
    for (let first = 0; first < subjects.length; first += partSize) {
      const part = subjects.slice(first, first + partSize);
      for (const one of await compared(database, ledger, from, to, part)) {
        changed.push(one);
        missing -= one.fields.length;
      }
      if (missing <= 0) return { changed, next: undefined };
    }
    const last = subjects.at(-1);
    if (last === undefined || subjects.length < sliceSize) return { changed, next: undefined };
    next = `${last}\u0001`;
  }
  return { changed, next };
}

async function compared(
  database: Database,
  ledger: string,
  from: Moment,
  to: Moment,
  subjects: readonly string[],
): Promise<readonly Changed[]> {
  const [before, after] = await Promise.all([
    subjectStatesAt(database, ledger, from, subjects),
    subjectStatesAt(database, ledger, to, subjects),
  ]);
  return subjects
    .map((subject) => {
      const one = pointViewOf(before.get(subject), from.at);
      return { subject, fields: pointDifferences(one, pointViewOf(after.get(subject), to.at)) };
    })
    .filter(({ fields }) => fields.length > 0);
}

type Item = FieldChange & { readonly subject: string };

interface Shown {
  readonly items: readonly Item[];
  /** Where the next page begins, when there are more fields. */
  readonly next: Pick<Position, 'subject' | 'shown'> | undefined;
}

/** The fields behind the page before, up to the limit. */
function pageOfFields(changed: readonly Changed[], limit: number, start: Position | undefined): Shown {
  const items: Item[] = [];
  for (const { subject, fields } of changed) {
    const passed = start?.subject === subject ? start.shown : 0;
    const taken = fields.slice(passed, passed + limit - items.length);
    items.push(...taken.map((field) => ({ subject, ...field })));
    const shown = passed + taken.length;
    if (shown < fields.length) return { items, next: { subject, shown } };
  }
  return { items, next: undefined };
}

async function withEvents(
  database: Database,
  ledger: string,
  { earlier, later }: Between,
  items: readonly Item[],
): Promise<readonly Difference[]> {
  const subjects = [...new Set(items.map(({ subject }) => subject))];
  const found = await revisionsBetween(database, ledger, earlier.asOf, later.asOf, subjects, maxEvents + 1);
  return items.map((item) => {
    const events = found.get(item.subject) ?? [];
    return { ...item, events: events.slice(0, maxEvents), hasMoreEvents: events.length > maxEvents };
  });
}

function pointOf({ asOf, at }: Moment): Moment {
  return { asOf, at };
}
