/**
 * P1: resolving one key in process over 10,000 to 1,000,000 overrides in all four layers, and the memory of one.
 * The yardstick resolves the same world in the same run, in turns. Told beside: contexts that were never seen before
 * (their ids still have no hash, what they need is far from the processor), and allocations, which draw by hashes.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { forever } from '../../src/domain/assertion.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { decideAll } from '../../src/domain/decide.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import type { Context } from '../../src/domain/scope.ts';
import { seedChanges } from '../../src/seed/seed-changes.ts';
import type { BenchOptions } from './bench-options.ts';
import { type Figure, median } from './figure.ts';
import { createYardstick, type Yardstick } from './openfeature-yardstick.ts';
import { createRandom, createWorld, type Random, type World } from './world.ts';

const target = '≤ 250 ns, ≥ 20 × the provider';
const maxNanoseconds = 250;
const minRatio = 20;
const at = Date.parse('2026-02-01T00:00:00Z');
const seed = 20_260_201;

/** Contexts that are asked about by turns, each with any of the keys: users come back. */
const knownContexts = 4_096;
const questionCount = 65_536;
/** The yardstick is asked fewer times, because it takes longer. */
const yardstickCount = 8_192;

type Ask = (key: string, context: Context) => boolean;

interface Questions {
  readonly keys: readonly string[];
  readonly contexts: readonly Required<Context>[];
  /** By question, the places of its key and context. */
  readonly keyOf: Int32Array;
  readonly contextOf: Int32Array;
}

export const resolveHow = `in process, ${knownContexts} random contexts, in turns with the yardstick; processor time; seed ${seed}`;

export async function benchResolve({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const rounds = isQuick ? 5 : 15;
  for (const size of isQuick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000]) {
    say(`resolve: ${size.toLocaleString('en')} overrides`);
    const world = createWorld(size);
    const before = heapBytes();
    const state = liveStateOf(world);
    const bytes = (heapBytes() - before) / state.overrideCount;
    figures.push(...(await measureSize(world, state, rounds)), {
      ...told,
      what: `memory of one override among ${size.toLocaleString('en')}`,
      figure: bytes,
      unit: 'bytes',
    });
  }
  figures.push(measureAllocations(rounds));
  return figures;
}

export const told = {
  number: 'P1',
  yardstick: undefined,
  ratio: undefined,
  target: undefined,
  isReached: undefined,
};

async function measureSize(world: World, state: LiveState, rounds: number): Promise<readonly Figure[]> {
  const ask = (key: string, context: Context) => resolve(state, key, context, at) !== undefined;
  return measureBesideProvider(world, ask, rounds, 'one key');
}

/** What one answer of `ask` takes, in turns with the yardstick; it answers whether there was one. */
export async function measureBesideProvider(
  world: World,
  ask: Ask,
  rounds: number,
  what: string,
): Promise<readonly Figure[]> {
  const yardstick = await createYardstick(world);
  const random = createRandom(seed);
  const asked = questions(world, random, knownContexts, questionCount);
  const times = {
    ours: [] as number[],
    cold: [] as number[],
    provider: [] as number[],
    client: [] as number[],
  };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(timeOurs(ask, asked));
    times.provider.push(await timeProvider(yardstick, asked));
    times.client.push(await timeClient(yardstick, asked));
    times.cold.push(timeOurs(ask, questions(world, random, 4_096, 4_096)));
  }
  await yardstick.close();
  const figure = median(times.ours);
  const client = median(times.client);
  const provider = median(times.provider);
  const sized = `${what}, ${world.overrideCount.toLocaleString('en')} overrides`;
  const unit = 'ns';
  return [
    {
      number: 'P1',
      what: sized,
      figure,
      unit,
      yardstick: { what: 'OpenFeature client on its in-memory provider', figure: client },
      ratio: client / figure,
      target,
      isReached: figure <= maxNanoseconds && client / figure >= minRatio,
    },
    {
      ...told,
      what: `${sized}, beside the provider called without its client`,
      figure,
      unit,
      yardstick: { what: 'provider', figure: provider },
      ratio: provider / figure,
    },
    { ...told, what: `${sized}, contexts never seen before`, figure: median(times.cold), unit },
  ];
}

/** An allocation at every tenant, whose draw takes one or two hashes. */
function measureAllocations(rounds: number): Figure {
  const world = createWorld(10_000);
  const random = createRandom(seed);
  const state = liveStateOf(world);
  const arms = ['a', 'b'].map((name) => ({ name, value: `Answer like ${name}.`, weight: 1 }));
  const allocation = { unit: 'user', share: 5_000, salt: 'bench', arms } as const;
  const key = world.definitions[0]?.key ?? '';
  const assertion = { revision: 1, from: 0, until: forever, kind: 'allocation', value: allocation } as const;
  for (const { scope } of world.overrides()) {
    if (scope.startsWith('tenant:'))
      state.put(`override:${key}@${scope}`, { version: 1, assertions: [assertion] });
  }
  const asked = { ...questions(world, random, knownContexts, questionCount), keys: [key], keyOf: allZero };
  const ask = (name: string, context: Context) => resolve(state, name, context, at) !== undefined;
  const times = Array.from({ length: rounds }, () => timeOurs(ask, asked));
  return { ...told, what: 'one key whose tenants have an allocation', figure: median(times), unit: 'ns' };
}

const allZero = new Int32Array(questionCount);

/** The live state of a fresh ledger with the world's overrides, each as a start reads it from its row. */
export function liveStateOf(world: World): LiveState {
  const state = new LiveState();
  const changes: readonly AnyChange[] = [...seedChanges({ catalogue: true }), ...world.definitions];
  state.absorb(decideAll(state, changes, at, 'system').overlay, at);
  const values = new Map<unknown, string>();
  let { revision } = state;
  for (const { key, scope, value } of world.overrides()) {
    if (typeof value !== 'string') continue;
    if (!values.has(value)) values.set(value, value);
    const assertion = {
      revision: ++revision,
      from: at - revision,
      until: forever,
      kind: 'value',
      value: values.get(value) ?? '',
    } as const;
    const subject = JSON.parse(JSON.stringify(`override:${key}@${scope}`)) as string;
    state.put(subject, { version: 1, assertions: [assertion] });
  }
  return state;
}

function questions(world: World, random: Random, contextCount: number, count: number): Questions {
  const keyOf = Int32Array.from({ length: count }, () => random(world.keys.length));
  const contextOf = Int32Array.from({ length: count }, () => random(contextCount));
  return {
    keys: world.keys,
    contexts: Array.from({ length: contextCount }, () => world.context(random)),
    keyOf,
    contextOf,
  };
}

function timeOurs(ask: Ask, { keys, contexts, keyOf, contextOf }: Questions): number {
  let answered = 0;
  const start = process.cpuUsage();
  for (let index = 0; index < keyOf.length; index++) {
    if (ask(keys[keyOf[index] ?? 0] ?? '', contexts[contextOf[index] ?? 0] ?? {})) answered++;
  }
  return perCall(start, answered, keyOf.length);
}

async function timeProvider(
  { provider }: Yardstick,
  { keys, contexts, keyOf, contextOf }: Questions,
): Promise<number> {
  let answered = 0;
  const start = process.cpuUsage();
  for (let index = 0; index < yardstickCount; index++) {
    const context = contexts[contextOf[index] ?? 0] ?? {};
    const { value } = await provider.resolveStringEvaluation(keys[keyOf[index] ?? 0] ?? '', '', context);
    if (value !== '') answered++;
  }
  return perCall(start, answered, yardstickCount);
}

async function timeClient(
  { client }: Yardstick,
  { keys, contexts, keyOf, contextOf }: Questions,
): Promise<number> {
  let answered = 0;
  const start = process.cpuUsage();
  for (let index = 0; index < yardstickCount; index++) {
    const context = contexts[contextOf[index] ?? 0] ?? {};
    const { value } = await client.getStringDetails(keys[keyOf[index] ?? 0] ?? '', '', context);
    if (value !== '') answered++;
  }
  return perCall(start, answered, yardstickCount);
}

/** Nanoseconds of processor time, that of collecting garbage too: the clock would tell of whatever else runs here. */
function perCall(start: NodeJS.CpuUsage, answered: number, asked: number): number {
  const { user, system } = process.cpuUsage(start);
  const nanoseconds = (user + system) * 1000;
  if (answered !== asked) throw new Error(`${asked - answered} of ${asked} questions were not answered`);
  return nanoseconds / asked;
}

let gc: (() => void) | undefined;

function collectGarbage(): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  gc();
}

export function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
