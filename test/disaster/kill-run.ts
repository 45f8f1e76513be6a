/**
 * The kill disaster: a real Varve under write load, whose server and database are killed with SIGKILL in turn, and the
 * oracle that afterwards holds what was promised against what is there.
 * In: how many cycles, which seed; out: a report. Leaves nothing behind, except the data folder of a run that found
 * something.
 */
import { createBook } from './book.ts';
import { type Client, postChangeset } from './client.ts';
import { type KeptServer, keepServer } from './kept-server.ts';
import type { CycleReport, KillReport } from './kill-report.ts';
import { judge } from './oracle.ts';
import { makePlace, removePlace } from './place.ts';
import { createRandom, type Random } from './random.ts';
import { readBack } from './read-back.ts';
import { planCycle, strikeAll } from './strikes.ts';
import { askOnceMore, resolveUnknown } from './unknowns.ts';
import { databaseProcesses, type VarvePlace } from './varve-process.ts';
import { setupBody } from './workload.ts';
import { createLoad, type Load } from './writers.ts';

export interface KillOptions {
  readonly cycles: number;
  readonly writers: number;
  readonly seed: number;
  /** The latest moment of a strike, milliseconds after writes flow. */
  readonly longestMs: number;
  /** Acknowledged writes before a cycle's first strike. */
  readonly leastWrites: number;
  /** Keeps the data folder also when nothing was found. */
  readonly keeps: boolean;
  /** One line for people. */
  readonly say: (line: string) => void;
}

const resolveLimitMs = 60_000;
const stopLimitMs = 25_000;
/** Of the acknowledged ones: asked again with their keys, and looked up by id. */
const sampled = 500;

export async function runKill(options: KillOptions): Promise<KillReport> {
  const place = await makePlace();
  const server = keepServer(place);
  let report: KillReport | undefined;
  try {
    await server.started;
    report = await runOn(options, place, server);
  } finally {
    if (report === undefined) await server.stop(stopLimitMs);
    if (report?.isPassed === true && !options.keeps) await removePlace(place);
    else options.say(`The data folder and the server's words are kept in ${place.folder}`);
  }
  return report;
}

async function runOn(options: KillOptions, place: VarvePlace, server: KeptServer): Promise<KillReport> {
  const { say, seed, writers } = options;
  const client: Client = { url: `http://127.0.0.1:${place.port}`, apiKey: place.adminKey };
  const setup = await postChangeset(client, { marker: 'setup', body: setupBody }, true);
  if (setup.kind !== 'acknowledged') throw new Error(`the keys could not be defined: ${setup.why}`);

  const book = createBook();
  const load = createLoad({ client, book, writers, seed, name: `d${seed.toString(36)}` });
  const random = createRandom(seed);
  const run = { client, book, load, random, place, server };
  const cycles: CycleReport[] = [];
  const complaints: string[] = [];
  try {
    for (let cycle = 1; cycle <= options.cycles; cycle++) {
      const report = await runCycle(options, run, cycle);
      cycles.push(report);
      say(cycleLine(options, report));
    }
  } catch (error) {
    complaints.push(error instanceof Error ? error.message : String(error));
  }
  await load.pause();

  const entries = book.entries();
  const acknowledged = entries.filter(({ state }) => state === 'acknowledged');
  const sample = pick(acknowledged, sampled, random);
  say(`Asking again for ${sample.length} acknowledged changesets, and reading everything back`);
  const toldAgain = await askOnceMore(
    client,
    book,
    sample.map(({ sent }) => sent),
  );
  if (toldAgain !== sample.length)
    complaints.push(`${sample.length - toldAgain} were not answered when asked again`);
  const lookUp = [...new Set([...sample, ...acknowledged.filter(({ wasUnknown }) => wasUnknown)])];
  const ids = lookUp.flatMap(({ answer }) => (answer === undefined ? [] : [answer.changesetId]));
  const evidence = await readBack(client, place, ids).catch((cause: unknown) => {
    const said = [...complaints, ...book.complaints(), ...server.complaints()];
    throw new Error(['what was promised could not be read back', ...said].join('\n  '), { cause });
  });
  const verdict = judge(entries, evidence);

  complaints.push(...book.complaints(), ...server.complaints(), ...(await stopCleanly(server, place)));
  const violations = [
    ...verdict.violations.map(({ kind, message }) => `${kind}: ${message}`),
    ...complaints.map((complaint) => `complaint: ${complaint}`),
  ];
  return {
    seed,
    cycles,
    ...book.counts(),
    lost: verdict.lost,
    torn: verdict.torn,
    duplicates: verdict.duplicates,
    events: evidence.log.length,
    askedAgain: toldAgain,
    lookedUp: ids.length,
    repeatedStarts: server.repeatedStarts(),
    slowestAnswerMs: Math.round(load.slowestMs()),
    violations,
    isPassed: violations.length === 0,
  };
}

interface Run {
  readonly client: Client;
  readonly book: ReturnType<typeof createBook>;
  readonly load: Load;
  readonly random: Random;
  readonly place: VarvePlace;
  readonly server: KeptServer;
}

async function runCycle(options: KillOptions, run: Run, cycle: number): Promise<CycleReport> {
  const { book, load, random, client } = run;
  const before = book.counts();
  load.resume();
  const strikes = await strikeAll(run, planCycle(cycle, random, options.longestMs), options.leastWrites);
  await load.pause();
  if (!(await resolveUnknown(client, book, random, resolveLimitMs))) {
    throw new Error(
      `cycle ${cycle}: ${book.unknown().length} unknown changesets were not told in ${resolveLimitMs} ms`,
    );
  }
  const after = book.counts();
  return {
    cycle,
    strikes,
    acknowledged: after.acknowledged - before.acknowledged,
    refused: after.refused - before.refused,
    unknown: after.unknown - before.unknown,
    recorded: after.recorded - before.recorded,
  };
}

function cycleLine({ cycles }: KillOptions, { cycle, strikes, acknowledged, unknown }: CycleReport): string {
  const killed = strikes.map(({ victim, recoveryMs }) =>
    recoveryMs === undefined ? `${victim} killed` : `${victim} killed, writes back after ${recoveryMs} ms`,
  );
  return `Cycle ${cycle} of ${cycles}: ${killed.join('; ')}; acknowledged ${acknowledged}, unknown ${unknown}`;
}

/** A polite end after all of it: exit code 0, and no process of the database left. */
async function stopCleanly(server: KeptServer, place: VarvePlace): Promise<readonly string[]> {
  const end = await server.stop(stopLimitMs);
  const orphans = databaseProcesses(place);
  for (const { pid } of orphans) process.kill(pid, 'SIGKILL');
  return [
    ...(end === 0
      ? []
      : [`the server did not stop cleanly when asked: ${end ?? `not in ${stopLimitMs} ms`}`]),
    ...(orphans.length === 0 ? [] : [`${orphans.length} processes of the database were left behind`]),
  ];
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
