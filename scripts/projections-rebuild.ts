/**
 * npm run projections:rebuild [name]: makes read models again from the log, beside the ones that are read, and swaps
 * them in. In: a projection's name or nothing for all, VARVE_URL and VARVE_API_KEY; out: how the old rows compared with the
 * new ones, exit code 0, 1 (it failed) or 2 (wrongly called).
 */
import { Command } from 'commander';
import type { z } from 'zod';
import { isEqual } from '../src/domain/replay-questions.ts';
import { rebuildSchema } from '../src/http/routes/replay-schemas.ts';
import { followReplay, runCommand } from './follow-replay.ts';

const command = new Command('projections:rebuild')
  .description('Make read models again from the log of a running Varve, while reads and writes go on.')
  .argument('[name]', 'which projection', 'all')
  .option('--json', 'print the result as JSON', false)
  .addHelpText(
    'after',
    `
Environment:
  VARVE_URL       where Varve is (default: the local one)
  VARVE_API_KEY   an API key of an admin of the ledger default

Every ledger is rebuilt. Stopped here it goes on in Varve; called again, the same rebuild is followed.
Rows that differ from the old ones are told: the log is the truth, so the new ones are put in place all the same.`,
  )
  .exitOverride()
  .action(rebuild);

await runCommand('projections:rebuild', () => command.parseAsync());

async function rebuild(name: string, { json: isJson }: { readonly json: boolean }): Promise<void> {
  const result = await followReplay(
    `/v1/projections/${encodeURIComponent(name)}/rebuild`,
    (id) => `/v1/rebuilds/${id}`,
    rebuildSchema,
  );
  if (isJson) console.log(JSON.stringify(result, undefined, 2));
  else for (const line of linesOf(result)) console.log(line);
}

function linesOf({ projections, comparison }: z.output<typeof rebuildSchema>): readonly string[] {
  const { tables = [], notCompared = [] } = comparison ?? {};
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const differing = tables.filter((table) => !isEqual(table));
  return [
    `${projections.join(', ')}: rebuilt and in place.`,
    ...(tables.length > 0 && differing.length === 0
      ? [`${rows} rows of ${tables.length} tables were as they had been.`]
      : []),
    ...differing.flatMap(({ table, missing, surplus, changed, examples }) => [
      `${table}: ${missing} rows were missing, ${surplus} too many, ${changed} changed`,
      ...examples.map((key) => `  ${key}`),
    ]),
    ...notCompared.map(
      ({ projection, why }) => `${projection}: not compared with the rows before, because ${why}`,
    ),
  ];
}
