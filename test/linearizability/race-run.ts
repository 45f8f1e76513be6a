/**
 * The race: several servers on one database, writers and readers on few subjects, faults; then the judgement.
 * In: a database without Varve's tables, or with; a time, a seed; out: the report. Nothing is left running.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createRandom, streamSeed } from '../disaster/random.ts';
import { freePort } from '../disaster/varve-process.ts';
import { judge } from './judge.ts';
import { type Race, readOn, writeOn } from './race-actors.ts';
import { makeTrouble } from './race-faults.ts';
import type { RaceReport } from './race-report.ts';
import { type RaceServer, startRaceServer } from './race-server.ts';
import { readWholeLog } from './read-log.ts';
import { Recorder } from './recorder.ts';

export interface RaceOptions {
  readonly databaseUrl: string;
  /** To read the log from the database itself, past every server. */
  readonly pool: pg.Pool;
  /** For the servers' words. */
  readonly folder: string;
  readonly seconds: number;
  readonly seed: number;
  readonly servers: number;
  readonly writers: number;
  readonly readers: number;
  readonly say: (line: string) => void;
}

const adminKey = `varve_admin_race_${'r'.repeat(40)}`;
const keys = ['race.first', 'race.second'];
const scopes = ['user:u1', 'user:u2'];
const subjects = keys.flatMap((key) => scopes.map((scope) => `${key}@${scope}`));
const askAgainMs = 15_000;

export async function runRace(options: RaceOptions): Promise<RaceReport> {
  const servers: RaceServer[] = [];
  try {
    // One after the other: the first makes the tables.
    for (let index = 0; index < options.servers; index++) {
      const name = `server-${index + 1}`;
      const logFile = logFileOf(options.folder, name);
      const { databaseUrl } = options;
      servers.push(await startRaceServer({ name, databaseUrl, port: await freePort(), adminKey, logFile }));
    }
    const defined = await defineKeys(servers[0]);
    for (const server of servers) await reach(server, defined);
    return await race(options, servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function race(options: RaceOptions, servers: readonly RaceServer[]): Promise<RaceReport> {
  const { seconds, seed, writers, readers, say } = options;
  const recorder = new Recorder();
  const endsAt = recorder.now() + seconds * 1_000;
  const isRunning = () => recorder.now() < endsAt;
  const race: Race = {
    servers,
    subjects,
    apiKey: adminKey,
    recorder,
    isRunning,
    mayAskAgain: () => recorder.now() < endsAt + askAgainMs,
  };
  let lostRaces = 0;
  const beforeKill = async (server: RaceServer) => {
    lostRaces += await lostRacesOf(server);
  };
  const randomOf = (stream: number) => createRandom(streamSeed(seed, stream));
  const actors = [
    ...Array.from({ length: writers }, (_, index) => writeOn(race, `w${index + 1}`, randomOf(index + 1))),
    ...Array.from({ length: readers }, (_, index) => readOn(race, `r${index + 1}`, randomOf(1_001 + index))),
  ];
  const telling = tell(recorder, isRunning, say);
  const faults = await makeTrouble({ servers, recorder, random: randomOf(0), isRunning, say, beforeKill });
  await Promise.all(actors);
  await telling;
  for (const server of servers) await beforeKill(server);
  const log = await readWholeLog(options.pool);
  const complaints = [...recorder.complaints, ...(await stopAll(servers))];
  if (complaints.length > 0)
    complaints.push(...servers.flatMap(({ name }) => ownErrors(options.folder, name)));
  say(`judging ${recorder.operations.length} operations on ${log.length} events`);
  const judgement = judge({ operations: recorder.operations, log });
  return {
    seed,
    seconds,
    servers: servers.length,
    operations: recorder.operations.length,
    events: log.length,
    counts: Object.fromEntries([...recorder.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    faults,
    lostRaces,
    racesLostAnswers: sumOf(recorder.counts, 'races_lost'),
    slowestAnswerMs: Math.round(recorder.slowestMs),
    complaints,
    judgement,
    isPassed: judgement.verdict === 'legal' && complaints.length === 0,
  };
}

/** What a server itself said went wrong, outages aside: the reason behind an "internal error". */
function ownErrors(folder: string, name: string): readonly string[] {
  const lines = readFileSync(logFileOf(folder, name), 'utf8').split('\n');
  return lines.filter((line) => line.includes('"level":50') && line.includes('"stack"')).slice(-3);
}

const logFileOf = (folder: string, name: string): string => join(folder, `${name}.log`);

async function tell(
  recorder: Recorder,
  isRunning: () => boolean,
  say: (line: string) => void,
): Promise<void> {
  while (isRunning()) {
    await sleep(5_000, undefined, { ref: false });
    say(`${recorder.operations.length} operations, revision ${recorder.heard}`);
  }
}

async function defineKeys(server: RaceServer | undefined): Promise<number> {
  const changes = keys.map((key) => ({ type: 'defineKey', key, valueType: 'string', fallback: 'none' }));
  const response = await fetch(`${server?.url}/v1/changesets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'What is raced for', changes }),
  });
  if (response.status !== 201) throw new Error(`the keys were not defined: ${await response.text()}`);
  return Number(response.headers.get('varve-revision'));
}

/** Waits until a server knows the keys: otherwise it may say, rightly, that there are none. */
async function reach({ url }: RaceServer, revision: number): Promise<void> {
  const headers = { authorization: `Bearer ${adminKey}` };
  const response = await fetch(`${url}/v1/resolve?minRevision=${revision}`, { headers });
  if (response.status !== 200) throw new Error(`${url} did not follow: ${await response.text()}`);
}

/** What a server counted since it was started; 0 when it cannot say. */
async function lostRacesOf({ url }: RaceServer): Promise<number> {
  try {
    const headers = { authorization: `Bearer ${adminKey}` };
    const response = await fetch(`${url}/metrics`, { headers, signal: AbortSignal.timeout(5_000) });
    return Number(/^varve_lost_races_total (\d+)/m.exec(await response.text())?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function stopAll(servers: readonly RaceServer[]): Promise<readonly string[]> {
  const complaints = await Promise.all(
    servers.map(async (server) => {
      if (!server.isAlive()) return `${server.name} ended by itself`;
      const end = await server.stop();
      return end === 0 ? undefined : `${server.name} did not stop cleanly: ${end}`;
    }),
  );
  return complaints.filter((complaint) => complaint !== undefined);
}

function sumOf(counts: ReadonlyMap<string, number>, word: string): number {
  return [...counts].reduce((sum, [name, count]) => sum + (name.includes(word) ? count : 0), 0);
}
