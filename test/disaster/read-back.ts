/**
 * Reads everything back that came after a past, through every door: the log's rows themselves, the history as NDJSON,
 * changesets by id, values from memory and from the tables, and how far the projections are.
 * In: a running server and its database; out: evidence. Judges nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import type { AnsweredEvent, ChangesetAnswer } from './book.ts';
import { type Client, changesetSchema, eventSchema, read } from './client.ts';
import type { Evidence, ResolvedValue } from './oracle.ts';
import type { Past } from './past.ts';
import { keys, scopes } from './workload.ts';

const pageSize = 5_000;
const together = 16;
const catchUpLimitMs = 60_000;

/** `databaseUrl` is the database itself; `changesetIds`: those that are asked for one by one. */
export async function readBack(
  client: Client,
  databaseUrl: string,
  past: Past,
  changesetIds: readonly string[],
): Promise<Evidence> {
  const projections = await readProjections(client);
  const { log, head } = await readLog(databaseUrl, past.revision);
  return {
    past,
    log,
    head,
    projections,
    history: await readHistory(client, past.revision),
    changesets: await readChangesets(client, changesetIds),
    values: {
      memory: await readValues(client, ''),
      tables: await readValues(client, `?asOf=${head}`),
    },
  };
}

const statusSchema = z.looseObject({
  revision: z.number().int(),
  projections: z.array(z.looseObject({ name: z.string(), revision: z.number().int(), state: z.string() })),
});

/** Waits until all of them are at the head; if they do not get there, tells where they are. */
async function readProjections(client: Client): Promise<Evidence['projections']> {
  const until = performance.now() + catchUpLimitMs;
  for (;;) {
    const response = await read(client, '/v1/status');
    const { revision, projections } = statusSchema.parse(await response.json());
    const isThere =
      projections.length > 0 && projections.every((projection) => projection.revision === revision);
    if (isThere || performance.now() > until) {
      return projections.map(({ name, revision: at, state }) => ({ name, revision: at, state }));
    }
    await sleep(100);
  }
}

/** Past everything that Varve says about it. */
async function readLog(
  databaseUrl: string,
  after: number,
): Promise<{ readonly log: readonly AnsweredEvent[]; readonly head: number }> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const log: AnsweredEvent[] = [];
    for (;;) {
      const { rows } = await database.query<{ readonly event: string }>(
        `select convert_from(canonical, 'UTF8') as event
         from ledger_events where ledger = 'default' and revision > $1
         order by revision limit $2`,
        [log.at(-1)?.revision ?? after, pageSize],
      );
      if (rows.length === 0) break;
      log.push(...rows.map(({ event }) => eventSchema.parse(JSON.parse(event))));
    }
    const heads = await database.query<{ readonly revision: string }>(
      `select revision from ledger_heads where ledger = 'default' order by ledger limit 1`,
    );
    return { log, head: Number(heads.rows[0]?.revision ?? 0) };
  } finally {
    await database.end();
  }
}

/** What came after a revision, oldest first. A stream that breaks off throws. */
async function readHistory(client: Client, after: number): Promise<readonly AnsweredEvent[]> {
  const { body } = await read(client, '/v1/history', { accept: 'application/x-ndjson' });
  if (body === null) return [];
  const events: AnsweredEvent[] = [];
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = eventSchema.parse(JSON.parse(line));
      if (event.revision <= after) return events.reverse();
      events.push(event);
    }
  }
  if (rest !== '') throw new Error('the history ends in the middle of a line');
  return events.reverse();
}

async function readChangesets(
  client: Client,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ChangesetAnswer | undefined>> {
  const found = new Map<string, ChangesetAnswer | undefined>();
  const waiting = [...ids];
  const readOn = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const response = await read(client, `/v1/changesets/${id}`).catch(() => undefined);
      found.set(id, response === undefined ? undefined : changesetSchema.parse(await response.json()));
    }
  };
  await Promise.all(Array.from({ length: together }, readOn));
  return found;
}

const resultsSchema = z.looseObject({
  results: z.array(z.looseObject({ values: z.record(z.string(), z.looseObject({ value: z.unknown() })) })),
});

/** Every key in every scope, each scope asked for alone. */
async function readValues(client: Client, query: string): Promise<readonly ResolvedValue[]> {
  const contexts = scopes.map((scope) => {
    const [kind = '', id] = scope.split(':', 2);
    return id === undefined ? {} : { [kind]: id };
  });
  const response = await read(client, `/v1/resolve${query}`, { body: { contexts, keys } });
  const { results } = resultsSchema.parse(await response.json());
  return results.flatMap(({ values }, index) =>
    Object.entries(values).map(([key, { value }]) => ({ key, scope: scopes[index] ?? '', value })),
  );
}
