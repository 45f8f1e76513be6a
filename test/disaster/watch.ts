/**
 * Watches servers that live through a disaster: reads from memory, /readyz, /v1/status, /metrics and an open stream, all the
 * time. In: clients; out: how many reads, how old they said they were, what was told to be sick, and every complaint: a
 * read that was not answered, a status that hung, a stream that broke or left something out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventStream, openStream } from '../support/event-stream.ts';
import type { Client } from './client.ts';
import { keys } from './workload.ts';

/** What was seen at one server since the last look. */
export interface Sight {
  readonly reads: number;
  readonly slowestReadMs: number;
  /** The greatest Varve-Age, seconds. */
  readonly oldestSeconds: number;
  /** Whether /readyz told that something is sick. */
  readonly wasSick: boolean;
  readonly wasDatabaseDown: boolean;
}

export interface Watch {
  /** What was seen at a server since the last call for it. */
  look(server: number): Sight;
  /** Ends watching; the streams must have told everything up to the head. */
  stop(head: number): Promise<void>;
  complaints(): readonly string[];
  notes(): readonly string[];
}

const readPauseMs = 5;
const statusPauseMs = 300;
/** A read from memory needs nobody; this is what a busy machine may add. */
const readLimitMs = 5_000;
const statusLimitMs = 6_000;
const streamLimitMs = 20_000;

interface Seen {
  reads: number;
  slowestReadMs: number;
  oldestSeconds: number;
  wasSick: boolean;
  wasDatabaseDown: boolean;
}

const nothing: Sight = {
  reads: 0,
  slowestReadMs: 0,
  oldestSeconds: 0,
  wasSick: false,
  wasDatabaseDown: false,
};

export async function openWatch(clients: readonly Client[]): Promise<Watch> {
  const complaints: string[] = [];
  const total = { reads: 0, slowestReadMs: 0, oldestSeconds: 0, statuses: 0 };
  const seen: Seen[] = clients.map(() => ({ ...nothing }));
  let isOver = false;
  const complain = (message: string) => {
    if (complaints.length < 20) complaints.push(message);
  };

  const readOn = async (client: Client, server: number): Promise<void> => {
    while (!isOver) {
      const sentAt = performance.now();
      try {
        const answer = await ask(client, `/v1/resolve/${keys[0]}?user=user-1`, readLimitMs);
        const age = Number(answer.headers.get('varve-age') ?? Number.NaN);
        if (answer.status !== 200 || !Number.isInteger(age))
          complain(`a read was answered ${answer.status}, Varve-Age ${answer.headers.get('varve-age')}`);
        const tookMs = performance.now() - sentAt;
        for (const sum of [total, seen[server] ?? total]) {
          sum.reads++;
          sum.slowestReadMs = Math.max(sum.slowestReadMs, tookMs);
          sum.oldestSeconds = Math.max(sum.oldestSeconds, age);
        }
      } catch (error) {
        complain(`a read was not answered: ${String(error)}`);
      }
      await sleep(readPauseMs);
    }
  };
  const askOn = async (client: Client, server: number): Promise<void> => {
    const here = seen[server];
    while (!isOver && here !== undefined) {
      try {
        const ready = await ask(client, '/readyz', statusLimitMs);
        if (ready.status !== 200) complain(`/readyz answered ${ready.status}: ${ready.text}`);
        else if (!ready.text.includes('"sick":[]')) here.wasSick = true;
        const status = await ask(client, '/v1/status', statusLimitMs);
        if (status.status !== 200) complain(`/v1/status answered ${status.status}`);
        const metrics = await ask(client, '/metrics', statusLimitMs);
        if (/^varve_database_up 0$/m.test(metrics.text)) here.wasDatabaseDown = true;
        total.statuses++;
      } catch (error) {
        complain(`a status was not answered in ${statusLimitMs} ms: ${String(error)}`);
      }
      await sleep(statusPauseMs);
    }
  };

  for (const client of clients) await untilKnown(client);
  const streams = await Promise.all(clients.map(openStreamOf));
  const loops = clients.flatMap((client, server) => [readOn(client, server), askOn(client, server)]);
  return {
    look(server) {
      const sight = seen[server];
      if (sight === undefined) return nothing;
      const copy = { ...sight };
      Object.assign(sight, nothing);
      return copy;
    },
    async stop(head) {
      isOver = true;
      await Promise.all(loops);
      for (const stream of streams) {
        await Promise.race([stream.until(head), sleep(streamLimitMs, undefined, { ref: false })]);
        const ids = stream.messages.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
        stream.cut();
        const gap = ids.findIndex((id, index) => id !== index + 1);
        if (gap >= 0) complain(`a stream told ${ids[gap]} as its ${gap + 1}. revision`);
        else if (ids.length !== head) complain(`a stream told ${ids.length} revisions of ${head}`);
      }
    },
    complaints: () => complaints,
    notes: () => [
      `${total.reads} reads meanwhile, all answered, the slowest in ${Math.round(total.slowestReadMs)} ms, at most ${total.oldestSeconds} s old as they said; ` +
        `${total.statuses} times /readyz, /v1/status and /metrics; ${streams.length} streams told everything once, in order`,
    ],
  };
}

/** The keys were defined at one server; the others hear of it. */
async function untilKnown(client: Client): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await ask(client, `/v1/resolve/${keys[0]}`, readLimitMs)).status === 200) return;
    await sleep(50);
  }
}

async function ask(client: Client, path: string, limitMs: number) {
  const response = await fetch(`${client.url}${path}`, {
    headers: { authorization: `Bearer ${client.apiKey}` },
    signal: AbortSignal.timeout(limitMs),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function openStreamOf({ url, apiKey }: Client): Promise<EventStream> {
  return openStream(Number(new URL(url).port), '/v1/stream?from=0', { authorization: `Bearer ${apiKey}` });
}
