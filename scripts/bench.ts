/**
 * npm run bench -- <names>: measures Varve beside its yardsticks and says whether numbers.md is reached.
 * Out: a table, and bench-results/<name>.json for each. Exit code 0 when all is reached, 1 when something is missed or broke,
 * 2 when it is wrongly called.
 */
import { Argument, Command } from 'commander';
import { arrivalHow, benchArrival } from '../test/bench/arrival.ts';
import { asOfHow, benchAsOf } from '../test/bench/as-of.ts';
import { badRequestsHow, benchBadRequests } from '../test/bench/bad-requests.ts';
import type { BenchOptions } from '../test/bench/bench-options.ts';
import { benchBlastRadius, blastRadiusHow } from '../test/bench/blast-radius.ts';
import { benchBulk, bulkHow } from '../test/bench/bulk.ts';
import { benchCompareWorlds, compareHow } from '../test/bench/compare-worlds.ts';
import { benchContexts, contextsHow } from '../test/bench/contexts.ts';
import { benchDiff, diffHow } from '../test/bench/diff.ts';
import { describeMachine, type Figure, publish } from '../test/bench/figure.ts';
import { dropFilled, keepFilledIn } from '../test/bench/filled-database.ts';
import { benchGrowth, growthHow } from '../test/bench/growth.ts';
import { benchHistory, historyHow } from '../test/bench/history.ts';
import { benchHttpResolve, benchHttpResolveMany, httpHow } from '../test/bench/http-resolve.ts';
import { benchRebuild, rebuildHow } from '../test/bench/rebuild.ts';
import { benchResolve, resolveHow } from '../test/bench/resolve.ts';
import { benchSdk, sdkHow } from '../test/bench/sdk.ts';
import { benchServers, serversHow } from '../test/bench/servers.ts';
import { benchStart, startHow } from '../test/bench/start.ts';
import { benchStream, streamHow } from '../test/bench/stream.ts';
import { benchWrite, writeHow } from '../test/bench/write.ts';
import { runHarness } from '../test/support/harness-command.ts';

interface Bench {
  readonly how: string;
  readonly run: (options: BenchOptions) => Promise<readonly Figure[]>;
}

interface BenchSize {
  readonly quick: boolean;
  readonly full: boolean;
  readonly keep?: string;
}

const benches: ReadonlyMap<string, Bench> = new Map([
  ['resolve', { how: resolveHow, run: benchResolve }],
  ['sdk', { how: sdkHow, run: benchSdk }],
  ['contexts', { how: contextsHow, run: benchContexts }],
  ['http-resolve', { how: httpHow, run: benchHttpResolve }],
  ['http-resolve-many', { how: httpHow, run: benchHttpResolveMany }],
  ['write', { how: writeHow, run: benchWrite }],
  ['bulk', { how: bulkHow, run: benchBulk }],
  ['start', { how: startHow, run: benchStart }],
  ['growth', { how: growthHow, run: benchGrowth }],
  ['servers', { how: serversHow, run: benchServers }],
  ['as-of', { how: asOfHow, run: benchAsOf }],
  ['history', { how: historyHow, run: benchHistory }],
  ['diff', { how: diffHow, run: benchDiff }],
  ['compare', { how: compareHow, run: benchCompareWorlds }],
  ['blast-radius', { how: blastRadiusHow, run: benchBlastRadius }],
  ['rebuild', { how: rebuildHow, run: benchRebuild }],
  ['stream', { how: streamHow, run: benchStream }],
  ['arrival', { how: arrivalHow, run: benchArrival }],
  ['bad-requests', { how: badRequestsHow, run: benchBadRequests }],
]);

const command = new Command('bench')
  .description('Measure Varve beside its yardsticks.')
  .addArgument(new Argument('<names...>', 'which benches').choices([...benches.keys(), 'all']))
  .option('--quick', 'smaller and shorter: to see that it runs, not for figures to keep', false)
  .option(
    '--full',
    'also ten million events, where a bench has them: 20 minutes and 20 GB of disk more',
    false,
  )
  .option('--keep <folder>', 'where filled databases stay, so that the next run need not fill them')
  .addHelpText(
    'after',
    `
  resolve            P1: one key in process, beside OpenFeature's in-memory provider
  sdk                P1 in a client of the SDK, its memory, and its start from a server and from its file
  contexts           contexts per user: a look, what a user takes, what is left of one who has gone
  http-resolve       P2: GET /v1/resolve/{key}, beside a bare Fastify route
  http-resolve-many  P3: GET /v1/resolve of 20 keys, beside a bare Fastify route
  write              P4: POST /v1/changesets of one change, beside a bare Fastify POST
  bulk               P5: changesets of 1,000 changes, beside COPY of the same rows
  start              P9: start with 1,000,000 overrides, beside reading the rows
  growth             the curves: the same questions to 10⁴, 10⁵ and 10⁶ overrides
  servers            P4 with three servers on one database, beside one server on it
  as-of              P7: as of an old revision, beside the head, both through Postgres
  history            P10: pages of the history by actor, key and time window
  diff               the first page of two points 10³, 10⁴, 10⁵ events apart
  compare            two worlds over 10,000 and 100,000 records of usage, beside GET /v1/costs
  blast-radius       P11: the preview of one change of a key with many user overrides
  rebuild            P6: every read model from the log, alone and under reads and writes
  stream             P8: a change in 100 streaming clients; 1,000 idle ones
  arrival            what heartbeats of 1,000 processes cost, and how long a write waits for 100 clients
  bad-requests       R4: how long the slowest bad request takes to be turned away

Load comes from wrk where it is installed, otherwise from autocannon. Leave the machine alone meanwhile.`,
  )
  .exitOverride()
  .action(async (asked: readonly string[], size: BenchSize) => {
    if (size.keep !== undefined) keepFilledIn(size.keep);
    const names = asked.includes('all') ? [...benches.keys()] : asked;
    const reached: boolean[] = [];
    try {
      for (const each of names) reached.push(await runBench(each, size));
    } finally {
      await dropFilled();
    }
    if (reached.includes(false)) process.exitCode = 1;
  });

await runHarness(command);

async function runBench(name: string, { quick: isQuick, full: isFull }: BenchSize): Promise<boolean> {
  const bench = benches.get(name);
  if (bench === undefined) throw new Error(`there is no bench ${name}`);
  const figures = await bench.run({ isQuick, isFull, say: (line) => console.error(line) });
  const how = isQuick ? `${bench.how} (quick: not for keeping)` : bench.how;
  return publish({ name, machine: describeMachine(), date: new Date().toISOString(), how, figures });
}
