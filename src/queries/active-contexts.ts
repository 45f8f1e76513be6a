/**
 * Question: which users are active, in which contexts? Those that were seen lately, in usage or by consumers.
 */
import { z } from 'zod';
import type { ActiveContext } from '../domain/arrival.ts';
import type { Page, PageRequest } from '../domain/questions.ts';
import { type ContextRow, contextOf } from './contexts-seen.ts';
import { cursorOf, pageOf } from './cursor.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface ActiveRow extends ContextRow {
  readonly how: ActiveContext['how'];
  readonly last_seen: number;
}

const activeCursor = cursorOf(
  z.strictObject({
    seen: z.number().int().nonnegative(),
    user: z.string(),
    tenant: z.string(),
    tier: z.string(),
  }),
);

/**
 * Contexts with a user that were seen since a time, last seen first. One that is seen again meanwhile comes to the front.
 * Failure `invalid` for a bad cursor.
 */
export async function activeContexts(
  database: Database,
  ledger: string,
  seenSince: number,
  page: PageRequest,
): Promise<Page<ActiveContext>> {
  const behind = activeCursor.read(page.cursor);
  const values: unknown[] = [ledger, seenSince, page.limit + 1];
  let place = '';
  if (behind !== undefined) {
    values.push(behind.seen, behind.user, behind.tenant, behind.tier);
    // The first condition is what the index can begin at.
    place = ` and c.last_seen <= to_timestamp($4::float8 / 1000) and (c.last_seen < to_timestamp($4::float8 / 1000)
        or (c.user_id, c.tenant_id, c.tier_id) > ($5, $6, $7))`;
  }
  const text = `select c.user_id, c.tenant_id, c.tier_id, c.how, c.last_seen from contexts_seen c
    where c.ledger = $1 and c.user_id <> '' and c.last_seen >= to_timestamp($2::float8 / 1000)${place}
    order by c.last_seen desc, c.user_id, c.tenant_id, c.tier_id
    limit $3`;
  const rows = await rowsOf<ActiveRow>(database, { text }, values);
  return pageOf(
    rows,
    page,
    (row) => ({
      context: { ...contextOf(row), user: row.user_id },
      lastSeenAt: row.last_seen,
      how: row.how,
    }),
    (row) =>
      activeCursor.write({
        seen: row.last_seen,
        user: row.user_id,
        tenant: row.tenant_id,
        tier: row.tier_id,
      }),
  );
}
