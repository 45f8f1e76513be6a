/**
 * Walks a list from its first page to its last, for tests of queries.
 */
import { expect } from 'vitest';
import type { Page, PageRequest } from '../../src/domain/questions.ts';

/** All items; no page may be longer than its limit. */
export async function allPages<T>(
  ask: (page: PageRequest) => Promise<Page<T>>,
  limit: number,
): Promise<readonly T[]> {
  const items: T[] = [];
  let page = await ask({ limit });
  for (;;) {
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    page = await ask({ limit, cursor: page.nextCursor });
  }
}
