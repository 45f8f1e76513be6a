/**
 * npm run bench -- <name>: measures Varve beside its yardsticks and says whether numbers.md is reached.
 * Out: a table, and bench-results/<name>.json. Exit code 0 when all is reached, 1 when something is missed or broke,
 * 2 when it is wrongly called.
 */
import { Argument, Command, CommanderError } from 'commander';
import { badRequestsHow, benchBadRequests } from '../test/bench/bad-requests.ts';
import type { BenchOptions } from '../test/bench/bench-options.ts';
import { describeMachine, type Figure, publish } from '../test/bench/figure.ts';
import { benchHttpResolve, benchHttpResolveMany, httpHow } from '../test/bench/http-resolve.ts';
import { benchResolve, resolveHow } from '../test/bench/resolve.ts';
import { benchWrite, writeHow } from '../test/bench/write.ts';

interface Bench {
  readonly how: string;
  readonly run: (options: BenchOptions) => Promise<readonly Figure[]>;
}

const benches: ReadonlyMap<string, Bench> = new Map([
  ['resolve', { how: resolveHow, run: benchResolve }],
  ['http-resolve', { how: httpHow, run: benchHttpResolve }],
  ['http-resolve-many', { how: httpHow, run: benchHttpResolveMany }],
  ['write', { how: writeHow, run: benchWrite }],
  ['bad-requests', { how: badRequestsHow, run: benchBadRequests }],
]);

const command = new Command('bench')
  .description('Measure Varve beside its yardsticks.')
  .addArgument(new Argument('<name>', 'which bench').choices([...benches.keys(), 'all']))
  .option('--quick', 'smaller and shorter: to see that it runs, not for figures to keep', false)
  .addHelpText(
    'after',
    `
  resolve            P1: one key in process, beside OpenFeature's in-memory provider
  http-resolve       P2: GET /v1/resolve/{key}, beside a bare Fastify route
  http-resolve-many  P3: GET /v1/resolve of 20 keys, beside a bare Fastify route
  write              P4: POST /v1/changesets of one change, beside a bare Fastify POST
  bad-requests       R4: how long the slowest bad request takes to be turned away

Load comes from wrk where it is installed, otherwise from autocannon. Leave the machine alone meanwhile.`,
  )
  .exitOverride()
  .action(async (name: string, { quick }: { readonly quick: boolean }) => {
    const names = name === 'all' ? [...benches.keys()] : [name];
    const reached: boolean[] = [];
    for (const each of names) reached.push(await runBench(each, quick));
    if (reached.includes(false)) process.exitCode = 1;
  });

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

async function runBench(name: string, isQuick: boolean): Promise<boolean> {
  const bench = benches.get(name);
  if (bench === undefined) throw new Error(`there is no bench ${name}`);
  const figures = await bench.run({ isQuick, say: (line) => console.error(line) });
  const how = isQuick ? `${bench.how} (quick: not for keeping)` : bench.how;
  return publish({ name, machine: describeMachine(), date: new Date().toISOString(), how, figures });
}
