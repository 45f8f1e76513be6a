/**
 * Question: what changes by itself in a stretch of time, and what holds before and after it?
 * One page: its boundaries, the events that said them, then what held around each; three round trips.
 */
import { z } from 'zod';
import { type Assertion, forever } from '../domain/assertion.ts';
import { lastInstant, parseInstant } from '../domain/instant.ts';
import type { HistoryItem, Page, PageRequest } from '../domain/questions.ts';
import type { ScheduledTurn, ScheduleFilter, Stretch } from '../domain/schedule-questions.ts';
import { isShadowed } from '../domain/turns.ts';
import { cursorOf, pageOf } from './cursor.ts';
import { findEvents } from './find-events.ts';
import type { Database } from './rows-of.ts';
import { type SchedulePosition, type ScheduleRow, scheduleRows } from './schedule-rows.ts';
import { overridesInForce, pricesInForce } from './statements-in-force.ts';

const scheduleCursor = cursorOf(
  z.strictObject({
    at: z.number().int().nonnegative().max(lastInstant),
    revision: z.number().int().nonnegative(),
  }),
);

/** Boundaries that are looked at together, after the first slice of about a page. */
const sliceSize = 1_000;

/** A page looks at this many slices at most: where nearly everything was learnt late it may be short, and go on. */
const maxSlices = 20;

/** A page by time, then revision. Failure `invalid` for a bad cursor. */
export async function listSchedule(
  database: Database,
  ledger: string,
  asOf: number,
  stretch: Stretch,
  filter: ScheduleFilter,
  page: PageRequest,
): Promise<Page<ScheduledTurn>> {
  let behind: SchedulePosition | undefined = scheduleCursor.read(page.cursor);
  const foretold: Foretold[] = [];
  for (let slice = 0; slice < maxSlices; slice++) {
    const limit = slice === 0 ? page.limit + 1 : sliceSize;
    const rows = await scheduleRows(database, { ledger, asOf, stretch, filter, behind, limit });
    foretold.push(...(await foretoldOf(database, ledger, rows)));
    behind = rows.at(-1);
    if (behind === undefined || rows.length < limit || foretold.length > page.limit) {
      const { items, nextCursor } = pageOf(
        foretold,
        page,
        (one) => one,
        ({ row }) => cursorBehind(row),
      );
      return { items: await turnsOf(database, ledger, asOf, items), nextCursor };
    }
  }
  const nextCursor = behind === undefined ? null : cursorBehind(behind);
  return { items: await turnsOf(database, ledger, asOf, foretold), nextCursor };
}

function cursorBehind({ at, revision }: SchedulePosition): string {
  return scheduleCursor.write({ at, revision });
}

interface Foretold {
  readonly row: ScheduleRow;
  readonly event: HistoryItem;
}

/** Those that were recorded before they happen: what is learnt late changes nothing by itself. */
async function foretoldOf(
  database: Database,
  ledger: string,
  rows: readonly ScheduleRow[],
): Promise<readonly Foretold[]> {
  const events = await findEvents(
    database,
    ledger,
    rows.map(({ revision }) => revision),
  );
  return rows.flatMap((row) => {
    const event = events.get(row.revision);
    if (event === undefined || (parseInstant(event.recordedAt) ?? 0) >= row.at) return [];
    return [{ row, event }];
  });
}

/** The rows with what held around each. */
async function turnsOf(
  database: Database,
  ledger: string,
  asOf: number,
  foretold: readonly Foretold[],
): Promise<readonly ScheduledTurn[]> {
  const rows = foretold.map(({ row }) => row);
  const overrides = rows.filter((row) => row.kind !== 'price' && row.kind !== 'sunset');
  const prices = rows.filter((row) => row.kind === 'price');
  const [overridesHeld, pricesHeld] = await Promise.all([
    overridesInForce(database, ledger, asOf, overrides.flatMap(around)),
    pricesInForce(database, ledger, asOf, prices.flatMap(around)),
  ]);
  const overridesAround = inPairs(overrides, overridesHeld);
  const pricesAround = inPairs(prices, pricesHeld);
  return foretold.map(({ row, event }): ScheduledTurn => {
    const turn = { at: row.at, revision: row.revision, event };
    switch (row.kind) {
      case 'sunset': {
        const { kind, model, successor } = row;
        return { ...turn, kind, model, ...(successor === null ? {} : { successor }) };
      }
      case 'price':
        return { ...turn, ...statementPart(row, pricesAround.get(row)), kind: row.kind, model: row.model };
      case 'activation':
      case 'expiry': {
        const { kind, key, scope } = row;
        return { ...turn, ...statementPart(row, overridesAround.get(row)), kind, key, scope };
      }
      default:
        return row satisfies never;
    }
  });
}

/** The same place just before a boundary and at it. */
function around<Place extends { readonly at: number }>(place: Place): readonly [Place, Place] {
  return [{ ...place, at: place.at - 1 }, place];
}

type Pair<A> = readonly [before: A | undefined, after: A | undefined];

function inPairs<Row, A>(rows: readonly Row[], held: readonly (A | undefined)[]): ReadonlyMap<Row, Pair<A>> {
  return new Map(rows.map((row, index) => [row, [held[2 * index], held[2 * index + 1]]]));
}

function statementPart<A extends Assertion>(
  row: Exclude<ScheduleRow, { kind: 'sunset' }>,
  [before, after]: Pair<A> = [undefined, undefined],
) {
  const statement = {
    revision: row.revision,
    from: row.effective_from,
    until: row.effective_until ?? forever,
  };
  return {
    from: statement.from,
    until: statement.until,
    isShadowed: isShadowed(statement, row.at, before, after),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
