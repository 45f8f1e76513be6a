/** Pages of a list in memory; the cursor is a place in it. */
import type { Page, PageRequest } from '../../src/domain/questions.ts';
import { Failure } from '../../src/failure.ts';

export function paged<T>(all: readonly T[], { limit, cursor = '0' }: PageRequest): Page<T> {
  const start = Number(cursor);
  if (!Number.isSafeInteger(start) || start < 0) {
    throw new Failure('invalid', 'the cursor is not one', {
      details: [{ path: 'query.cursor', message: 'not a cursor' }],
    });
  }
  const items = all.slice(start, start + limit);
  return { items, nextCursor: start + limit < all.length ? String(start + limit) : null };
}
