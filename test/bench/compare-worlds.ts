/**
 * POST /v1/compare over recorded usage: the head beside a draft on it (both from memory), and an old revision beside the
 * head (one side from the tables). Records come from 5,000 contexts that have overrides or not, over the eleven model keys.
 * The yardstick reads the same records and prices each once: GET /v1/costs. Beside it, how long another request waits.
 */
import { seedKeys } from '../../src/seed/keys.ts';
import { seedCatalogue } from '../../src/seed/seed-catalogue.ts';
import type { BenchOptions } from './bench-options.ts';
import { type Figure, median } from './figure.ts';
import { ask, fill } from './fill.ts';
import type { LoadTarget } from './load.ts';
import { startVarve } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createRandom, createWorld, type World } from './world.ts';

const contextCount = 5_000;
const batch = 10_000;
const rounds = 5;
const maxMs = 2_000;
const window = { from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' };
const start = Date.UTC(2025, 0, 1);

export const compareHow = `usage of ${contextCount} contexts over eleven keys, the median of ${rounds} calls, in turns with the yardstick`;

export async function benchCompareWorlds({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const varve = await startVarve(folder);
    try {
      const world = createWorld(isQuick ? 10_000 : 100_000);
      await fill(varve, world);
      const figures: Figure[] = [];
      let posted = 0;
      for (const size of isQuick ? [10_000] : [10_000, 100_000]) {
        say(
          `compare: ${size.toLocaleString('en')} records on ${world.overrideCount.toLocaleString('en')} overrides`,
        );
        await postUsage(varve, world, posted, size);
        posted = size;
        figures.push(...(await measure(varve, size)));
      }
      return figures;
    } finally {
      await varve.stop();
    }
  });
}

async function postUsage(varve: LoadTarget, world: World, from: number, to: number): Promise<void> {
  const random = createRandom(11);
  const contexts = Array.from({ length: contextCount }, () => world.context(random));
  const models = seedCatalogue.map(({ id }) => id);
  for (let first = from; first < to; first += batch) {
    const records = Array.from({ length: batch }, (_, place) => {
      const index = first + place;
      return {
        id: `record-${index}`,
        at: new Date(start + index * 20).toISOString(),
        key: seedKeys[index % seedKeys.length]?.key,
        model: models[index % models.length],
        ...contexts[random(contextCount)],
        inputTokens: random(20_000),
        outputTokens: random(4_000),
      };
    });
    await ask(varve, '/v1/usage', { records });
  }
}

async function measure(varve: LoadTarget, size: number): Promise<readonly Figure[]> {
  const { revision } = (await ask(varve, '/v1/status')) as { readonly revision: number };
  const key = seedKeys[0]?.key ?? '';
  const draft = { type: 'setOverride', key, scope: 'global', value: 'gemini/gemini-2.5-pro' };
  const bodies = {
    'a draft on the head': { left: {}, right: { changes: [draft] } },
    'an old revision and the head': { left: { asOf: Math.floor(revision / 2) }, right: {} },
  };
  const figures: Figure[] = [];
  for (const [what, worlds] of Object.entries(bodies)) {
    const body = { ...worlds, contexts: [{}], usage: window };
    await expectAll(varve, body, size);
    const ours: number[] = [];
    const costs: number[] = [];
    const waits: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const slowest = watchOthers(varve, key);
      ours.push(await timed(() => ask(varve, '/v1/compare', body)));
      waits.push(await slowest());
      costs.push(await timed(() => ask(varve, `/v1/costs?from=${window.from}&to=${window.to}`)));
    }
    figures.push(...figuresOf(what, size, median(ours), median(costs), median(waits)));
  }
  return figures;
}

function figuresOf(
  what: string,
  size: number,
  ms: number,
  costsMs: number,
  waitMs: number,
): readonly Figure[] {
  const records = `${size.toLocaleString('en')} records`;
  const told = { number: 'compare', unit: 'ms' };
  return [
    {
      ...told,
      what: `${what}, ${records}`,
      figure: ms,
      yardstick: { what: 'GET /v1/costs', figure: costsMs },
      ratio: costsMs / ms,
      target: `≤ ${maxMs} ms`,
      isReached: ms <= maxMs,
    },
    {
      ...told,
      what: 'meanwhile the slowest of other requests',
      figure: waitMs,
      yardstick: undefined,
      ratio: undefined,
      target: undefined,
      isReached: undefined,
    },
  ];
}

/** Asks one small question after the other until it is told to end; then answers how long the slowest took. */
function watchOthers(varve: LoadTarget, key: string): () => Promise<number> {
  let isOver = false;
  let slowest = 0;
  const watching = (async () => {
    while (!isOver) slowest = Math.max(slowest, await timed(() => ask(varve, `/v1/resolve/${key}`)));
  })();
  return async () => {
    isOver = true;
    await watching;
    return slowest;
  };
}

async function expectAll(varve: LoadTarget, body: object, size: number): Promise<void> {
  const { cost } = (await ask(varve, '/v1/compare', body)) as { readonly cost: { readonly records: number } };
  if (cost.records !== size) throw new Error(`${cost.records} records were compared, not ${size}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
