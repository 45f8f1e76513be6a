/**
 * Cursors: where the next page begins, as opaque text (base64url of a small JSON).
 * In: the position behind the last item; out: text for `nextCursor`, and back. A cursor names a place, never
 * a right.
 */
import { z } from 'zod';
import type { Page, PageRequest } from '../domain/questions.ts';
import { Failure } from '../failure.ts';

/** Longer than any of ours: two names of 200 characters. */
const maxLength = 4_000;

const namePosition = z.strictObject({ after: z.string() });
const revisionPosition = z.strictObject({ revision: z.number().int().nonnegative() });

/** The name behind which the page begins. */
export const nameCursor = cursorOf(namePosition);
/** The revision next to which the page begins. */
export const revisionCursor = cursorOf(revisionPosition);

export interface Cursor<Position> {
  write(position: Position): string;
  /** Undefined for the first page. Failure `invalid` for what `write` did not make. */
  read(cursor: string | undefined): Position | undefined;
}

/** A kind of cursor, told apart by its positions' schema. */
export function cursorOf<Position>(schema: z.ZodType<Position>): Cursor<Position> {
  return {
    write: (position) => Buffer.from(JSON.stringify(position)).toString('base64url'),
    read(cursor) {
      if (cursor === undefined) return undefined;
      const position = schema.safeParse(parse(cursor));
      if (position.success) return position.data;
      throw new Failure('invalid', 'The cursor is not one that this list gave', {
        reason: 'bad_cursor',
        details: [{ path: 'query.cursor', message: 'is not a cursor of this list' }],
      });
    },
  };
}

/** A page of rows that were asked for with one more than the limit, so that the last page is known. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  page: PageRequest,
  itemOf: (row: Row) => Item,
  cursorBehind: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const isLastPage = rows.length <= page.limit || last === undefined;
  return { items: shown.map(itemOf), nextCursor: isLastPage ? null : cursorBehind(last) };
}

function parse(cursor: string): unknown {
  if (cursor.length > maxLength) return undefined;
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
