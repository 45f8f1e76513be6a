/**
 * Question: what do scopes say about keys at a moment, and what have they scheduled?
 * An endless OverrideCleared in force says nothing, so it is left out; one with an end tells that it hides
 * something.
 */
import { z } from 'zod';
import { forever, inForce } from '../domain/assertion.ts';
import { overrideSubject } from '../domain/event.ts';
import type { Moment, OverrideFilter, OverrideRecord, Page, PageRequest } from '../domain/questions.ts';
import { parseScope } from '../domain/scope.ts';
import type { OverrideAssertion } from '../domain/subject-state.ts';
import { assertionsOfPairs, groupByPair, type KeyAndScope } from './assertions-at.ts';
import { cursorOf, pageOf } from './cursor.ts';
import { type OverrideSubject, overrideSubjects } from './override-subjects.ts';
import type { Database } from './rows-of.ts';
import { versionsAt } from './versions-at.ts';

/** The last item of the page before. */
const positionSchema = z.strictObject({
  key: z.string(),
  scope: z.string().transform((text, context) => {
    const scope = parseScope(text);
    if (scope !== undefined) return scope;
    context.addIssue('is no scope');
    return z.NEVER;
  }),
  from: z.number(),
  revision: z.number(),
});
type Position = z.infer<typeof positionSchema>;
const overrideCursor = cursorOf<Position>(positionSchema);

/** Overrides that are looked at together: at first about a page, then twice as many each time. */
const smallestSlice = 16;
const largestSlice = 500;

/** A page looks at this many slices at most: where nearly everything is over it may be short, and go on. */
const maxSlices = 40;

/** A page by key and scope, within them by start. Failure `invalid` for a bad cursor. */
export async function listOverrides(
  database: Database,
  ledger: string,
  moment: Moment,
  filter: OverrideFilter,
  page: PageRequest,
): Promise<Page<OverrideRecord>> {
  const start = overrideCursor.read(page.cursor);
  const records: OverrideRecord[] = [];
  let last: KeyAndScope | undefined = start;
  for (let slice = 0; slice < maxSlices; slice++) {
    const size = Math.min(largestSlice, Math.max(smallestSlice, page.limit + 2) * 2 ** slice);
    const subjects = await overrideSubjects(database, ledger, filter, last, size);
    // A slice begins with the last override of the one before; of the first slice, what the cursor has passed
    // is left out.
    const fresh = slice === 0 ? subjects : subjects.slice(1);
    records.push(
      ...(await recordsOf(database, ledger, moment, fresh)).filter((record) => isBehind(record, start)),
    );
    last = subjects.at(-1);
    if (last === undefined || subjects.length < size || records.length > page.limit) {
      return pageOf(records, page, (record) => record, cursorBehind);
    }
  }
  const nextCursor = last === undefined ? null : overrideCursor.write(endOf(last));
  return { items: records, nextCursor };
}

async function recordsOf(
  database: Database,
  ledger: string,
  moment: Moment,
  subjects: readonly OverrideSubject[],
): Promise<readonly OverrideRecord[]> {
  const groups = groupByPair(await assertionsOfPairs(database, ledger, moment, subjects));
  const assertionsOf = new Map(
    groups.map(({ key, scope, assertions }) => [overrideSubject(key, scope), assertions]),
  );
  // The table of subjects may be ahead of the moment: a version that is newer than the value would let whoever sends it
  // with If-Match overwrite what they never saw.
  const moved = subjects.filter(({ revision }) => revision > moment.asOf);
  const names = moved.map(({ key, scope }) => overrideSubject(key, scope));
  const versions = await versionsAt(database, ledger, moment.asOf, names);
  return subjects.flatMap(({ key, scope, version: newest }) => {
    const subject = overrideSubject(key, scope);
    const assertions = assertionsOf.get(subject) ?? [];
    const version = versions.get(subject) ?? newest;
    return telling(assertions, moment.at).map(
      (assertion): OverrideRecord => ({
        key,
        scope,
        assertion,
        state: assertion.from > moment.at ? 'scheduled' : 'in_force',
        version,
      }),
    );
  });
}

function telling(assertions: readonly OverrideAssertion[], at: number): readonly OverrideAssertion[] {
  const current = inForce(assertions, at);
  const scheduled = assertions.filter(({ from }) => from > at);
  if (current === undefined || (current.kind === 'cleared' && current.until === forever)) return scheduled;
  return [current, ...scheduled];
}

/** Whether a record comes behind the last item of the page before. */
function isBehind({ key, scope, assertion }: OverrideRecord, start: Position | undefined): boolean {
  if (start === undefined || key !== start.key || scope !== start.scope) return true;
  return assertion.from === start.from ? assertion.revision > start.revision : assertion.from > start.from;
}

function cursorBehind({ key, scope, assertion }: OverrideRecord): string {
  return overrideCursor.write({ key, scope, from: assertion.from, revision: assertion.revision });
}

function endOf({ key, scope }: KeyAndScope): Position {
  return { key, scope, from: forever, revision: Number.MAX_SAFE_INTEGER };
}
