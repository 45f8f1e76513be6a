/**
 * Audits a run every few cycles: asks again, reads everything back since the last audit, judges it, and then forgets it,
 * so that a run of hundreds of cycles stays in memory. What was judged before is held to a hash, and looked at once more
 * at the very end.
 */
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Book, Entry } from './book.ts';
import { judge } from './oracle.ts';
import { noPast, type Past, pastWith } from './past.ts';
import type { Random } from './random.ts';
import { readBack } from './read-back.ts';
import type { Stand } from './stand.ts';
import { askOnceMore } from './unknowns.ts';

/** Of the acknowledged ones: asked again with their keys, and looked up by id. */
const sampled = 300;
const pageSize = 5_000;

export interface Auditor {
  /** Nobody may be writing, and nothing may be unknown. */
  audit(): Promise<void>;
  /** What was judged in earlier audits must still stand as it was. */
  lookBack(): Promise<void>;
  result(): AuditResult;
}

export interface AuditResult {
  readonly lost: number;
  readonly torn: number;
  readonly duplicates: number;
  /** In the log, those that the server made at its first start included. */
  readonly events: number;
  /** Acknowledged ones that were asked for once more and told the same. */
  readonly askedAgain: number;
  /** Looked up one by one by their ids. */
  readonly lookedUp: number;
  readonly violations: readonly string[];
}

export interface AuditOptions {
  readonly stand: Stand;
  readonly book: Book;
  readonly random: Random;
  /** Whether acknowledged ones are sent once more: it would mend what a control has lost. */
  readonly asksAgain: boolean;
}

export function createAuditor({ stand, book, random, asksAgain }: AuditOptions): Auditor {
  const [client] = stand.clients;
  const counts = { lost: 0, torn: 0, duplicates: 0, askedAgain: 0, lookedUp: 0 };
  const violations: string[] = [];
  let past: Past = noPast;
  let hash = '';

  return {
    async audit() {
      const acknowledged = (entries: readonly Entry[]) =>
        entries.filter(({ state }) => state === 'acknowledged');
      const entries = book.entries();
      const sample = pick(acknowledged(entries), sampled, random);
      if (asksAgain) {
        const told = await askOnceMore(
          client,
          book,
          sample.map(({ sent }) => sent),
        );
        if (told !== sample.length)
          violations.push(`${sample.length - told} were not answered when asked again`);
        counts.askedAgain += told;
      }
      const lookUp = [
        ...new Set([...sample, ...acknowledged(entries).filter(({ wasUnknown }) => wasUnknown)]),
      ];
      const ids = asksAgain
        ? lookUp.flatMap(({ answer }) => (answer === undefined ? [] : [answer.changesetId]))
        : [];
      const evidence = await readBack(client, stand.databaseUrl(), past, ids);
      const verdict = judge(book.takeEntries(), evidence);
      counts.lost += verdict.lost;
      counts.torn += verdict.torn;
      counts.duplicates += verdict.duplicates;
      counts.lookedUp += ids.length;
      violations.push(...verdict.violations.map(({ kind, message }) => `${kind}: ${message}`));
      past = pastWith(past, evidence.log);
      hash = await hashOfLog(stand.databaseUrl(), past.revision);
    },
    async lookBack() {
      if (hash !== (await hashOfLog(stand.databaseUrl(), past.revision)))
        violations.push(`the log up to revision ${past.revision} is not what it was when it was judged`);
    },
    result: () => ({ ...counts, events: past.revision, violations }),
  };
}

/** Of the exact bytes, in order; read in pages. */
async function hashOfLog(databaseUrl: string, upTo: number): Promise<string> {
  const hash = createHash('sha256');
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    for (let after = 0; after < upTo; after += pageSize) {
      const { rows } = await database.query<{ readonly canonical: Buffer }>(
        `select canonical from ledger_events
         where ledger = 'default' and revision > $1 and revision <= $2
         order by revision limit $3`,
        [after, Math.min(after + pageSize, upTo), pageSize],
      );
      for (const { canonical } of rows) hash.update(canonical).update('\n');
    }
    return hash.digest('hex');
  } finally {
    await database.end();
  }
}

function pick<T>(items: readonly T[], count: number, random: Random): readonly T[] {
  if (items.length <= count) return items;
  const picked = new Set<T>();
  while (picked.size < count) {
    const item = items[random.below(items.length)];
    if (item !== undefined) picked.add(item);
  }
  return [...picked];
}
