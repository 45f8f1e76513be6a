/**
 * P4: changesets of one change from 64 connections, each acknowledged when it is durable, decided and resolvable.
 * Every change really changes something: users take turns, and each gets another value the next time.
 * Beside the throughput it tells how far the read models are behind at the end of a round and when they have caught up.
 */
import { seedKeys } from '../../src/seed/keys.ts';
import type { BenchOptions } from './bench-options.ts';
import { compare, turnsFor } from './compare.ts';
import { type Figure, median } from './figure.ts';
import { ask, type CatchingUp, fill, reachHead } from './fill.ts';
import { connections, type LoadRequest, type LoadTarget, loadSource } from './load.ts';
import { startBare, startVarve } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createWorld } from './world.ts';

const minRatio = 0.25;
const minPerSecond = 8_000;
/** Read models keep up when they reach the head this soon after the last write. */
const maxCatchUpMs = 1_000;
const writers = 128;
const values = ['openai/gpt-4o', 'gemini/gemini-2.5-pro'];

export const writeHow = `${connections} connections, changesets of one change, load from ${loadSource}, in turns`;

export async function benchWrite({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const varve = await startVarve(folder);
    try {
      const world = createWorld(isQuick ? 10_000 : 100_000);
      say(`P4: on ${world.overrideCount.toLocaleString('en')} overrides`);
      await fill(varve, world);
      const answer = await ask(varve, '/v1/changesets', JSON.parse(bodyOf(0, 0, 'nobody')));
      const bare = await startBare(folder, 'post', JSON.stringify(answer));
      const behind: CatchingUp[] = [];
      try {
        const afterRound = async () => void behind.push(await reachHead(varve));
        const turns = { ...turnsFor(isQuick), folder, afterRound };
        const compared = await compare(varve, bare, writes(), turns);
        await expectResolvable(varve);
        return figuresOf(compared, behind.slice(1));
      } finally {
        await bare.stop();
      }
    } finally {
      await varve.stop();
    }
  });
}

function figuresOf(
  compared: Awaited<ReturnType<typeof compare>>,
  behind: readonly CatchingUp[],
): readonly Figure[] {
  const { perSecond, yardstickPerSecond, throughputRatio, processorMicros, yardstickMicros } = compared;
  const catchUpMs = median(behind.map(({ ms }) => ms));
  const told = {
    number: 'P4',
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    isReached: undefined,
  };
  const processor: readonly Figure[] =
    processorMicros === undefined || yardstickMicros === undefined
      ? []
      : [
          {
            ...told,
            what: 'processor time of the server, without its database',
            figure: processorMicros,
            unit: 'µs',
            yardstick: { what: 'bare Fastify POST', figure: yardstickMicros },
            ratio: yardstickMicros / processorMicros,
          },
        ];
  return [
    {
      number: 'P4',
      what: 'POST /v1/changesets of one change',
      figure: perSecond,
      unit: '/s',
      yardstick: { what: 'bare Fastify POST with the same check', figure: yardstickPerSecond },
      ratio: throughputRatio,
      target: `≥ ${minRatio * 100} % of it, ≥ ${minPerSecond.toLocaleString('en')}/s`,
      isReached: throughputRatio >= minRatio && perSecond >= minPerSecond,
    },
    {
      ...told,
      what: 'read models behind at the end of a round',
      figure: median(behind.map(({ lag }) => lag)),
      unit: 'events',
    },
    {
      ...told,
      what: 'read models at the head after a round',
      figure: catchUpMs,
      unit: 'ms',
      target: `≤ ${maxCatchUpMs} ms`,
      isReached: catchUpMs <= maxCatchUpMs,
    },
    ...processor,
  ];
}

/** In an order in which a user's next change is far away, also when every connection has only a part of them. */
export function writes(): readonly LoadRequest[] {
  const requests: LoadRequest[] = [];
  for (let connection = 0; connection < connections; connection++) {
    for (let turn = 0; turn < values.length; turn++) {
      for (let user = 0; user < writers; user++) {
        const body = bodyOf(user, turn, userOf(connection, user));
        requests.push({ path: '/v1/changesets', body });
      }
    }
  }
  return requests;
}

function bodyOf(key: number, turn: number, user: string): string {
  const name = seedKeys[key % seedKeys.length]?.key ?? '';
  const change = { type: 'setOverride', key: name, scope: `user:${user}`, value: values[turn] ?? '' };
  return JSON.stringify({ reason: 'This customer asked for another model', changes: [change] });
}

export function userOf(connection: number, user: number): string {
  return `writer-${connection}-${user}`;
}

/** What was acknowledged is resolved: a sample of the users that were written about answer from their own scope. */
async function expectResolvable(varve: LoadTarget): Promise<void> {
  for (let user = 0; user < writers; user += 8) {
    const key = seedKeys[user % seedKeys.length]?.key ?? '';
    const asked = userOf(0, user);
    const { scope } = (await ask(varve, `/v1/resolve/${key}?user=${asked}`)) as { readonly scope: string };
    if (scope !== `user:${asked}`) throw new Error(`${key} of ${asked} is answered by ${scope}`);
  }
}
