/**
 * Runs a disaster: a real Varve under write load, hurt in cycles, and the oracle that holds what was promised against what
 * is there. In: a scenario, how many cycles, which seed; out: a report. Leaves nothing behind, except the data folder
 * of a run that found something.
 */
import { type AuditResult, createAuditor } from './audit.ts';
import { type Book, createBook } from './book.ts';
import { postChangeset } from './client.ts';
import { createRandom, type Random } from './random.ts';
import type { CycleReport, DisasterReport } from './report.ts';
import type { Begun, Scenario, ScenarioSettings } from './scenario.ts';
import { resolveUnknown } from './unknowns.ts';
import { openWatch, type Watch } from './watch.ts';
import { setupBody } from './workload.ts';
import { createLoad, type Load } from './writers.ts';

export interface RunOptions extends ScenarioSettings {
  readonly cycles: number;
  readonly writers: number;
  readonly seed: number;
  /** Keeps the data folder also when nothing was found. */
  readonly keeps: boolean;
  /** One line for people. */
  readonly say: (line: string) => void;
}

const resolveLimitMs = 60_000;
/** Cycles between audits: what they made is read back, judged and forgotten. */
const auditEvery = 10;
/** The README promises an answer to every write within 15 s; the rest is for a machine that also runs the harness. */
const promisedAnswerMs = 15_000;
const toleranceMs = 2_000;

export async function runDisaster(scenario: Scenario, options: RunOptions): Promise<DisasterReport> {
  const begun = await scenario.begin(options);
  let report: DisasterReport | undefined;
  try {
    report = await runOn(scenario, begun, options);
  } finally {
    if (report === undefined) await begun.stand.stop();
    await begun.end?.();
    if (report?.isPassed === true && !options.keeps) await begun.stand.remove();
    else options.say(`The data folder and the servers' words are kept in ${begun.stand.folder}`);
  }
  return report;
}

async function runOn(scenario: Scenario, begun: Begun, options: RunOptions): Promise<DisasterReport> {
  const { say, seed, writers, isControl } = options;
  const { stand } = begun;
  const [client] = stand.clients;
  const setup = await postChangeset(client, { marker: 'setup', body: setupBody }, true);
  if (setup.kind !== 'acknowledged') throw new Error(`the keys could not be defined: ${setup.why}`);
  await begun.prepare?.();

  const book = createBook();
  const load = createLoad({ clients: stand.clients, book, writers, seed, name: `d${seed.toString(36)}` });
  const random = createRandom(seed);
  const watch = begun.isWatched ? await openWatch(stand.clients) : undefined;
  const auditor = createAuditor({ stand, book, random, asksAgain: !isControl });
  const complaints: string[] = [];
  const cycles: CycleReport[] = [];
  try {
    for (let cycle = 1; cycle <= options.cycles; cycle++) {
      const report = await runCycle(begun, { ...options, book, load, random, watch, complaints }, cycle);
      cycles.push(report);
      say(
        `Cycle ${cycle} of ${options.cycles}: ${report.told}; acknowledged ${report.acknowledged}, unknown ${report.unknown}`,
      );
      if (cycle % auditEvery === 0 || cycle === options.cycles) {
        await auditor.audit();
        say(auditLine(cycle, auditor.result()));
      }
    }
  } catch (error) {
    complaints.push(error instanceof Error ? error.message : String(error));
  }
  await load.pause();
  if (book.entries().length > 0)
    await auditor.audit().catch((error: unknown) => complaints.push(String(error)));
  await auditor.lookBack().catch((error: unknown) => complaints.push(String(error)));
  const found = auditor.result();
  await watch?.stop(found.events);
  if (load.slowestMs() > promisedAnswerMs + toleranceMs)
    complaints.push(`a write was answered after ${Math.round(load.slowestMs())} ms`);
  complaints.push(...book.complaints(), ...(watch?.complaints() ?? []));
  for (const server of stand.servers) complaints.push(...server.complaints());
  const repeatedStarts = stand.servers.reduce((sum, server) => sum + server.repeatedStarts(), 0);
  complaints.push(...(await stand.stop()));
  const violations = [...complaints.map((complaint) => `complaint: ${complaint}`), ...found.violations];
  return {
    disaster: scenario.name,
    ...(isControl && scenario.control !== undefined ? { control: scenario.control } : {}),
    seed,
    cycles,
    ...book.counts(),
    ...found,
    slowestAnswerMs: Math.round(load.slowestMs()),
    notes: [
      ...(begun.notes?.() ?? []),
      ...(watch?.notes() ?? []),
      ...(repeatedStarts === 0
        ? []
        : [`starts repeated because the database died under them: ${repeatedStarts}`]),
    ],
    violations,
    isPassed: isControl ? found.lost > 0 : violations.length === 0,
  };
}

interface Running extends RunOptions {
  readonly book: Book;
  readonly load: Load;
  readonly random: Random;
  readonly watch: Watch | undefined;
  readonly complaints: string[];
}

async function runCycle(begun: Begun, running: Running, cycle: number): Promise<CycleReport> {
  const { book, load, random, complaints } = running;
  const before = book.counts();
  load.resume();
  const complain = (message: string) => void complaints.push(`cycle ${cycle}: ${message}`);
  const told = await begun.cycle({ ...running, complain }, cycle);
  await load.pause();
  if (!(await resolveUnknown(begun.stand.clients[0], book, random, resolveLimitMs))) {
    throw new Error(
      `cycle ${cycle}: ${book.unknown().length} unknown changesets were not told in ${resolveLimitMs} ms`,
    );
  }
  const after = book.counts();
  return {
    cycle,
    told,
    acknowledged: after.acknowledged - before.acknowledged,
    refused: after.refused - before.refused,
    unknown: after.unknown - before.unknown,
    recorded: after.recorded - before.recorded,
  };
}

function auditLine(cycle: number, { events, lost, torn, duplicates, violations }: AuditResult): string {
  return `Audit after cycle ${cycle}: ${events} events, lost ${lost}, torn ${torn}, duplicates ${duplicates}, violations ${violations.length}`;
}
