/**
 * Three real servers on one database, racing writers, faults: a short race, judged; `npm run linearizability` runs it longer.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeScratchFolder, type ScratchFolder } from '../support/scratch-folder.ts';
import { formatRaceReport, lastRaceLine } from './race-report.ts';
import { runRace } from './race-run.ts';

let database: TestDatabase;
let folder: ScratchFolder;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await makeScratchFolder();
});
afterAll(async () => {
  await database.drop();
  await folder.remove();
});

test('no history of racing servers is illegal, and a fault of one harms no other', async () => {
  const seed = Date.now() % 2 ** 32;
  const said: string[] = [];
  const report = await runRace({
    databaseUrl: database.url,
    pool: database.pool,
    folder: folder.path,
    seconds: 8,
    seed,
    servers: 3,
    writers: 10,
    readers: 6,
    say: (line) => said.push(line),
  });
  expect(report.isPassed, [...said, formatRaceReport(report)].join('\n')).toBe(true);
  expect(lastRaceLine(report)).toMatch(/^linearizability: legal, servers 3, /);
  // A race in which nothing happened proves nothing.
  expect(report.events).toBeGreaterThan(30);
  expect(report.judgement.subjects).toHaveLength(4);
});
