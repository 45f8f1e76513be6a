/**
 * P4 with several servers: the writes of write.ts from 64 connections, spread over three server processes on one
 * database, beside the same 64 at one of them while the others stand idle.
 * Tells what racing costs: lost races, and how evenly the three get their turn.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import type { BenchOptions } from './bench-options.ts';
import { turnsFor } from './compare.ts';
import { type Figure, median } from './figure.ts';
import { ask, fill, reachHead } from './fill.ts';
import { connections, type LoadTarget, load, loadSource } from './load.ts';
import { type RunningServer, startVarveOn } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createWorld } from './world.ts';
import { userOf, writes } from './write.ts';

const serverCount = 3;
const sampledUsers = 16;
/** Racing costs something; the three together must not be slower than this share of one alone. */
const minRatio = 0.5;
/** The slowest of the three gets at least this share of what the fastest gets: nobody starves. */
const minEvenness = 0.5;

export const serversHow = `${connections} connections over ${serverCount} servers on one database, changesets of one change, load from ${loadSource}, in turns with one server`;

interface Round {
  readonly perSecond: number;
  readonly requests: number;
  readonly lostRaces: number;
  /** The slowest server's share of the fastest's. */
  readonly evenness: number;
}

export async function benchServers({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const database = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
    const servers: RunningServer[] = [];
    try {
      for (let index = 0; index < serverCount; index++) {
        servers.push(await startVarveOn(database.connectionString, folder, `server-${index}`));
      }
      const [first, ...others] = servers;
      if (first === undefined) throw new Error('no server was started');
      const world = createWorld(isQuick ? 10_000 : 100_000);
      say(`P4 with ${serverCount} servers: on ${world.overrideCount.toLocaleString('en')} overrides`);
      await fill(first, world);
      return await measure([first, ...others], first, isQuick, folder);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
      await database.stop();
    }
  });
}

async function measure(
  servers: readonly LoadTarget[],
  first: LoadTarget,
  isQuick: boolean,
  folder: string,
): Promise<readonly Figure[]> {
  const { rounds, seconds } = turnsFor(isQuick);
  // Four processes get warm on few processors.
  const warmUpSeconds = 4;
  await loadAll(servers, warmUpSeconds, folder);
  await loadAll([first], warmUpSeconds, folder);
  const together: Round[] = [];
  const alone: Round[] = [];
  const catchUpMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    together.push(await loadAll(servers, seconds, folder));
    catchUpMs.push((await reachHead(first)).ms);
    alone.push(await loadAll([first], seconds, folder));
    await reachHead(first);
  }
  await expectAgreement(servers);
  return figuresOf(together, alone, median(catchUpMs));
}

/** The same 64 connections, shared out among the servers. */
async function loadAll(targets: readonly LoadTarget[], seconds: number, folder: string): Promise<Round> {
  const before = await lostRacesOf(targets);
  const requests = writes();
  const share = Math.floor(connections / targets.length);
  const results = await Promise.all(
    targets.map(async (target, index) => {
      const clients = index === 0 ? connections - share * (targets.length - 1) : share;
      const own = join(folder, `load-${index}`);
      await mkdir(own, { recursive: true });
      const from = Math.floor((requests.length / targets.length) * index);
      const shifted = [...requests.slice(from), ...requests.slice(0, from)];
      return { clients, ...(await load(target, shifted, seconds, own, clients)) };
    }),
  );
  const perClient = results.map(({ perSecond, clients }) => perSecond / clients);
  return {
    perSecond: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    requests: results.reduce((sum, result) => sum + result.requests, 0),
    lostRaces: (await lostRacesOf(targets)) - before,
    evenness: Math.min(...perClient) / Math.max(...perClient),
  };
}

async function lostRacesOf(targets: readonly LoadTarget[]): Promise<number> {
  const counts = await Promise.all(
    targets.map(async ({ url, headers }) => {
      const text = await (await fetch(`${url}/metrics`, { headers })).text();
      return Number(/^varve_lost_races_total (\d+)/m.exec(text)?.[1] ?? Number.NaN);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** What was written by any is answered alike by all: a sample of the users, once everybody is at the head. */
async function expectAgreement(servers: readonly LoadTarget[]): Promise<void> {
  const heads = await Promise.all(servers.map(revisionOf));
  for (let user = 0; user < sampledUsers; user++) {
    const path = `/v1/resolve?user=${userOf(0, user)}&minRevision=${Math.max(...heads)}`;
    const answers = await Promise.all(servers.map((server) => ask(server, path)));
    if (!answers.every((answer) => isDeepStrictEqual(answer, answers[0]))) {
      throw new Error(`${path} is answered differently by the servers`);
    }
  }
}

async function revisionOf(server: LoadTarget): Promise<number> {
  const { revision } = (await ask(server, '/v1/status')) as { readonly revision: number };
  return revision;
}

function figuresOf(
  together: readonly Round[],
  alone: readonly Round[],
  catchUpMs: number,
): readonly Figure[] {
  const perSecond = median(together.map((round) => round.perSecond));
  const alonePerSecond = median(alone.map((round) => round.perSecond));
  const evenness = median(together.map((round) => round.evenness));
  const told = {
    number: 'P4',
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    isReached: undefined,
  };
  return [
    {
      ...told,
      what: `POST /v1/changesets of one change at ${serverCount} servers`,
      figure: perSecond,
      unit: '/s',
      yardstick: { what: 'the same at one of them', figure: alonePerSecond },
      ratio: perSecond / alonePerSecond,
      target: `≥ ${minRatio * 100} % of it`,
      isReached: perSecond >= minRatio * alonePerSecond,
    },
    {
      ...told,
      what: 'what a client of the slowest server gets of what one of the fastest gets',
      figure: evenness * 100,
      unit: '%',
      target: `≥ ${minEvenness * 100} %`,
      isReached: evenness >= minEvenness,
    },
    {
      ...told,
      what: 'lost races for 1,000 changesets',
      figure: median(together.map(({ lostRaces, requests }) => (lostRaces / requests) * 1_000)),
      unit: 'races',
    },
    { ...told, what: 'read models at the head after a round', figure: catchUpMs, unit: 'ms' },
  ];
}
