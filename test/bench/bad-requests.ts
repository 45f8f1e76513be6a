/**
 * How long a bad request takes to be turned away by the whole product: every one of the table, the slowest counts.
 */
import { rawRequests } from '../http/bad-bytes.ts';
import { badRequests } from '../http/bad-requests.ts';
import { sendBytes, sendRequest } from '../http/send-request.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { startVarve } from './server-process.ts';
import { withFolder } from './with-folder.ts';

export const badRequestsHow =
  'each bad request of test/http alone, the median of 5 times, the slowest of all counts';

const limitMs = 100;
const times = 5;

export async function benchBadRequests({ say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const varve = await startVarve(folder);
    try {
      const apiKey = (varve.headers['authorization'] ?? '').replace('Bearer ', '');
      const sends = [
        ...badRequests.map((bad) => ({ name: bad.name, send: () => sendRequest(varve.url, apiKey, bad) })),
        ...rawRequests.map((raw) => ({ name: raw.name, send: () => sendBytes(varve.url, apiKey, raw) })),
      ];
      const taken: { readonly name: string; readonly ms: number }[] = [];
      for (const { name, send } of sends) taken.push({ name, ms: await medianMs(send) });
      taken.sort((a, b) => b.ms - a.ms);
      for (const { name, ms } of taken.slice(0, 5)) say(`${ms.toFixed(1)} ms  ${name}`);
      const slowest = taken[0]?.ms ?? Number.POSITIVE_INFINITY;
      return [
        {
          number: 'R4',
          what: `the slowest of ${taken.length} bad requests`,
          figure: slowest,
          unit: 'ms',
          yardstick: undefined,
          ratio: undefined,
          target: `under ${limitMs} ms`,
          isReached: slowest < limitMs,
        },
      ];
    } finally {
      await varve.stop();
    }
  });
}

async function medianMs(send: () => Promise<{ readonly status: number }>): Promise<number> {
  const all: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now();
    const { status } = await send();
    all.push(performance.now() - startedAt);
    if (status < 400 || status > 499) throw new Error(`a bad request was answered with ${status}`);
  }
  return all.sort((a, b) => a - b)[times >> 1] ?? 0;
}
