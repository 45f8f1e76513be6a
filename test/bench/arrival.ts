/**
 * Proof of arrival: what a thousand processes cost that say every ten seconds that they are where they were, beside as
 * many requests that do nothing; and how long a write waits until a hundred clients of the SDK have it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createVarve } from '../../src/sdk/create-varve.ts';
import type { BenchOptions } from './bench-options.ts';
import { type Figure, median } from './figure.ts';
import { ask } from './fill.ts';
import { processorMicrosOf } from './load.ts';
import { type RunningServer, startVarve } from './server-process.ts';
import { withFolder } from './with-folder.ts';

const idleClients = 1_000;
const everyMs = 10_000;
const waitedFor = 100;
const minRatio = 0.5;
const maxWaitMs = 1_000;

export const arrivalHow = `${idleClients} heartbeats in 10 s over HTTP, processor time of the server process (not of PostgreSQL); then writes that wait for ${waitedFor} clients of createVarve in one process`;

export async function benchArrival({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const server = await startVarve(folder);
    try {
      say(`arrival: ${idleClients} idle processes`);
      const idle = await measureIdle(server, isQuick ? 10 : 30);
      say(`arrival: writes that wait for ${waitedFor} clients`);
      return [...idle, await measureWaits(server, isQuick ? 5 : 20)];
    } finally {
      await server.stop();
    }
  });
}

async function measureIdle(server: RunningServer, seconds: number): Promise<readonly Figure[]> {
  const { revision } = (await ask(server, '/v1/status')) as { readonly revision: number };
  const beat = (client: number, more: object = {}) =>
    ask(server, '/v1/heartbeats', { client: `idle-${client}`, revision, ...more });
  await ofAll((client) => beat(client));
  const alone = await shareOf(server, seconds, async () => undefined);
  const asking = await shareOf(server, seconds, () => ask(server, '/v1/whoami'));
  const beating = await shareOf(server, seconds, (tick) => beat(tick % idleClients));
  // Nobody is to wait for them below.
  await ofAll((client) => beat(client, { leaving: true }));
  return [
    {
      number: 'arrival',
      what: `processor of the server for ${idleClients} heartbeats in 10 s`,
      figure: (beating - alone) * 100,
      unit: '% of one core',
      yardstick: { what: 'as many GET /v1/whoami', figure: (asking - alone) * 100 },
      ratio: (asking - alone) / (beating - alone),
      target: `≥ ${minRatio} of it`,
      isReached: (asking - alone) / (beating - alone) >= minRatio,
    },
  ];
}

/** All of them, a hundred at a time. */
async function ofAll(work: (client: number) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < idleClients; start += 100)
    await Promise.all(Array.from({ length: 100 }, (_, n) => work(start + n)));
}

/** The share of one core that the server takes while `work` begins as often as a thousand processes would. */
async function shareOf(
  server: RunningServer,
  seconds: number,
  work: (tick: number) => Promise<unknown>,
): Promise<number> {
  const before = processorMicrosOf(server.pid) ?? Number.NaN;
  const startedAt = performance.now();
  const begun: Promise<unknown>[] = [];
  for (let tick = 0; performance.now() - startedAt < seconds * 1_000; tick++) {
    begun.push(work(tick));
    await sleep(Math.max(0, ((tick + 1) * everyMs) / idleClients - (performance.now() - startedAt)));
  }
  await Promise.all(begun);
  const taken = (processorMicrosOf(server.pid) ?? Number.NaN) - before;
  return taken / 1_000 / (performance.now() - startedAt);
}

async function measureWaits(server: RunningServer, rounds: number): Promise<Figure> {
  const apiKey = (server.headers['authorization'] ?? '').replace('Bearer ', '');
  const clients = Array.from({ length: waitedFor }, (_, n) =>
    createVarve({ url: server.url, apiKey, client: `sdk-${n}` }),
  );
  const times: number[] = [];
  try {
    await Promise.all(clients.map((varve) => varve.ready(60_000)));
    for (let round = 0; round < rounds; round++) {
      // Every client may say something again.
      await sleep(2_000);
      const startedAt = performance.now();
      const { consumers } = (await ask(server, '/v1/changesets?waitFor=consumers&waitMs=20000', {
        reason: 'a bench waits',
        changes: [
          { type: 'setOverride', key: 'ai.tutor.model', scope: `user:${round}`, value: 'openai/gpt-4o' },
        ],
      })) as { readonly consumers: { readonly missing: readonly { readonly state: string }[] } };
      if (consumers.missing.some(({ state }) => state !== 'silent'))
        throw new Error('somebody did not arrive');
      times.push(performance.now() - startedAt);
    }
  } finally {
    await Promise.all(clients.map((varve) => varve.close()));
  }
  return {
    number: 'arrival',
    what: `a write until ${waitedFor} clients are known to have it, median of ${rounds}`,
    figure: median(times),
    unit: 'ms',
    yardstick: undefined,
    ratio: undefined,
    target: `≤ ${maxWaitMs} ms`,
    isReached: median(times) <= maxWaitMs,
  };
}
