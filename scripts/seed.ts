/**
 * npm run seed: adds to a running Varve what of our own catalogue and keys its ledger does not have yet.
 * In: VARVE_URL, VARVE_API_KEY; out: one changeset and a line about it, exit code 0, 1 (it failed) or 2 (wrongly
 * called). What is there stays as it is.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { newId } from '../src/clock-and-ids.ts';
import type { Change } from '../src/domain/change.ts';
import { Failure } from '../src/failure.ts';
import { createSendChangeset } from '../src/import/send-changeset.ts';
import { seedChanges } from '../src/seed/seed-changes.ts';
import { type ClientSettings, readClientSettings } from '../src/settings.ts';

const pageSchema = z.looseObject({
  items: z.array(z.looseObject({ id: z.string().optional(), key: z.string().optional() })),
  nextCursor: z.string().nullable(),
});
const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

const command = new Command('seed')
  .description('Add the models and keys of our own catalogue that the ledger does not know.')
  .addHelpText(
    'after',
    `
Environment:
  VARVE_URL       where Varve is (default: the local one)
  VARVE_API_KEY   an API key of an admin`,
  )
  .exitOverride()
  .action(seed);

try {
  await command.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

async function seed(): Promise<void> {
  const settings = readClientSettings();
  const models = await listIds(settings, 'models');
  const keys = await listIds(settings, 'keys');
  const changes = seedChanges({ catalogue: true }).filter((change) => isMissing(change, models, keys));
  if (changes.length === 0) {
    console.log('Everything is there already.');
    return;
  }
  const { url, apiKey } = settings;
  const send = createSendChangeset({ fetch, wait }, { url, ...(apiKey === undefined ? {} : { apiKey }) });
  // A key of this run alone: what was taken away since an earlier run is to be added again.
  const idempotencyKey = `seed:${newId()}`;
  const reply = await send({ reason: 'Models and keys of our own catalogue', changes }, { idempotencyKey });
  console.log(`${reply.events.length} events were added.`);
}

function isMissing(change: Change, models: ReadonlySet<string>, keys: ReadonlySet<string>): boolean {
  if (change.type === 'addModel') return !models.has(change.model.id);
  if (change.type === 'deprecateModel') return !models.has(change.id);
  return change.type === 'defineKey' && !keys.has(change.key);
}

/** Every id in a list, page by page. Failure `unavailable`, or what the server says. */
async function listIds(settings: ClientSettings, list: 'models' | 'keys'): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let cursor = ''; ; ) {
    const { items, nextCursor } = await readPage(settings, `/v1/${list}?limit=1000${cursor}`);
    for (const { id, key } of items) ids.add(id ?? key ?? '');
    if (nextCursor === null) return ids;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

async function readPage({ url, apiKey }: ClientSettings, path: string): Promise<z.output<typeof pageSchema>> {
  const response = await fetch(new URL(path, url), {
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
  }).catch((cause: unknown) => {
    throw new Failure('unavailable', `Varve does not answer at ${url}; npm start starts it`, { cause });
  });
  const answer: unknown = await response.json().catch(() => undefined);
  const page = pageSchema.safeParse(answer);
  if (response.ok && page.success) return page.data;
  const problem = problemSchema.safeParse(answer);
  if (problem.success) throw new Failure('unavailable', problem.data.detail);
  throw new Failure('corrupt', `${url} answered ${response.status}, but not as Varve does`);
}

function exitCodeOf(error: unknown): number {
  // commander has said it already; --help ends with 0
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Failure)) throw error;
  console.error(`seed: ${error.message}`);
  return 1;
}
