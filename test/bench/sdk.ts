/**
 * P1 in the SDK: a client that started from a file of 10,000 to 1,000,000 overrides answers one key, beside the same
 * yardstick; and what one override takes. Then starts with 100,000 overrides: from a server that runs in a process of its
 * own, and from the file that was kept, without it.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdSnapshot, snapshotLines } from '../../src/domain/snapshot.ts';
import { CacheBaseWriter } from '../../src/sdk/cache-base.ts';
import { ledgerOfKey, ownerLine } from '../../src/sdk/cache-lines.ts';
import { createVarve } from '../../src/sdk/create-varve.ts';
import type { Varve, VarveOptions } from '../../src/sdk/varve.ts';
import type { BenchOptions } from './bench-options.ts';
import { writeBulk } from './bulk.ts';
import { type Figure, median } from './figure.ts';
import { fill } from './fill.ts';
import { heapBytes, liveStateOf, measureBesideProvider, told } from './resolve.ts';
import { type RunningServer, startVarve } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createWorld, type World } from './world.ts';

const maxBytes = 150;
const maxStartSeconds = 1;
const startRounds = 5;
const pieceLength = 65_536;

/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:1';

export const sdkHow = `a client of createVarve, started from its file; processor time, in turns with the yardstick; starts: medians of ${startRounds}`;

export async function benchSdk({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const figures: Figure[] = [];
    for (const size of isQuick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000]) {
      say(`sdk: ${size.toLocaleString('en')} overrides`);
      figures.push(
        ...(await measureSize(createWorld(size), join(folder, `${size}.cache`), isQuick ? 5 : 15)),
      );
    }
    say('sdk: starts');
    figures.push(...(await measureStarts(createWorld(100_000), folder)));
    return figures;
  });
}

async function measureSize(world: World, cacheFile: string, rounds: number): Promise<readonly Figure[]> {
  const before = heapBytes();
  await writeCacheFile(cacheFile, world);
  const count = world.overrideCount.toLocaleString('en');
  const varve = createVarve({ url: nowhere, apiKey: 'none', cacheFile });
  await varve.ready(60_000);
  // It makes a copy of the file meanwhile.
  await sleep(2_000);
  const bytes = (heapBytes() - before) / world.overrideCount;
  const values = await measureBesideProvider(
    world,
    (key, context) => varve.value(key, context) !== undefined,
    rounds,
    'value of one key in the SDK',
  );
  const [whole] = await measureBesideProvider(
    world,
    (key, context) => varve.resolve(key, context).value !== undefined,
    Math.ceil(rounds / 3),
    'one key with all that is known about it, in the SDK',
  );
  await varve.close();
  return [
    ...values,
    ...(whole === undefined ? [] : [{ ...whole, target: undefined, isReached: undefined }]),
    {
      number: 'SDK',
      what: `memory of one override among ${count}`,
      figure: bytes,
      unit: 'bytes',
      yardstick: undefined,
      ratio: undefined,
      // Below that, what every client takes weighs more than its overrides.
      ...(world.overrideCount < 50_000
        ? { target: undefined, isReached: undefined }
        : { target: `≤ ${maxBytes} bytes`, isReached: bytes <= maxBytes }),
    },
  ];
}

/** As a client that was closed leaves it. */
async function writeCacheFile(path: string, world: World): Promise<void> {
  const state = liveStateOf(world);
  const writer = await CacheBaseWriter.open(path, 'bench');
  await writer.write(ownerLine({ server: nowhere, ledger: ledgerOfKey('none'), scopes: null }));
  let piece = '';
  for (const line of snapshotLines(holdSnapshot(state), 'default')) {
    piece += `${JSON.stringify(line)}\n`;
    if (piece.length < pieceLength) continue;
    await writer.write(piece);
    piece = '';
  }
  await writer.write(piece);
  const { file } = await writer.finish(Date.now());
  await file.close();
}

async function measureStarts(world: World, folder: string): Promise<readonly Figure[]> {
  const cacheFile = join(folder, 'start.cache');
  const server = await startVarve(folder);
  const times = { server: [] as number[], file: [] as number[], hold: [] as number[] };
  try {
    await fill(server, { ...world, overrides: () => [] });
    await writeBulk(server, world);
    for (let round = 0; round < startRounds; round++) times.server.push(await startSeconds(server, world));
    await startSeconds(server, world, { cacheFile });
  } finally {
    await server.stop();
  }
  for (let round = 0; round < startRounds; round++) {
    times.file.push(await startSeconds(server, world, { cacheFile }, times.hold));
  }
  const count = world.overrideCount.toLocaleString('en');
  const figure = median(times.server);
  return [
    {
      number: 'SDK',
      what: `start with ${count} overrides, from the server to the first answer`,
      figure,
      unit: 's',
      yardstick: undefined,
      ratio: undefined,
      target: `≤ ${maxStartSeconds} s`,
      isReached: figure <= maxStartSeconds,
    },
    {
      ...told,
      number: 'SDK',
      what: 'the same from the file, without a server',
      figure: median(times.file),
      unit: 's',
    },
    {
      ...told,
      number: 'SDK',
      what: 'longest hold of the event loop meanwhile',
      figure: Math.max(...times.hold),
      unit: 'ms',
    },
  ];
}

/** Seconds from making a client to its first answer; `holds` gets the longest time in which nothing else ran. */
async function startSeconds(
  { url, headers }: RunningServer,
  world: World,
  options: Partial<VarveOptions> = {},
  holds: number[] = [],
): Promise<number> {
  const apiKey = String(headers['authorization']).replace('Bearer ', '');
  let last = performance.now();
  let longest = 0;
  const look = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const startedAt = performance.now();
  const varve: Varve = createVarve({ url, apiKey, ...options });
  await varve.ready(60_000);
  varve.value(world.keys[0] ?? '');
  const seconds = (performance.now() - startedAt) / 1_000;
  clearInterval(look);
  holds.push(longest);
  await varve.close();
  return seconds;
}
