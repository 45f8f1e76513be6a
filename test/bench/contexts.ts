/**
 * Contexts per user: what looking at one costs, what a user takes while he is there, and what is left of 10,000 who came,
 * were given two instances and went, again and again.
 */
import { createUserContexts } from '../../src/sdk/user-contexts.ts';
import { startSdkStand } from '../support/sdk-stand.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { heapBytes, told } from './resolve.ts';

const users = 10_000;
const dayMs = 86_400_000;
const maxLeftBytes = 5;

export const contextsHow = `${users.toLocaleString('en')} users; heap after garbage collection (compiled it is half: tsx keeps the names of closures); processor time`;

export async function benchContexts({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  const stand = await startSdkStand();
  let now = dayMs;
  try {
    const varve = stand.client();
    await varve.ready();
    const contexts = createUserContexts(varve, { now: () => now });
    await contexts.set('u-0', { provider: 'Google', model: 'gemini-2.5-flash' });
    const fill = async () => {
      for (let i = 0; i < users; i++) {
        await contexts.slot(`u-${i}`, 'llm', () => ({ number: i }));
        await contexts.slot(`u-${i}`, 'mcp', () => ({ number: i }));
      }
    };
    const leave = async () => {
      now += 2 * dayMs;
      await contexts.cleanupInactiveUserContexts();
    };
    say('contexts: users come and go');
    await fill();
    await leave();
    const empty = heapBytes();
    await fill();
    const heldBytes = (heapBytes() - empty) / users;
    const rounds = isQuick ? 3 : 20;
    for (let round = 0; round < rounds; round++) {
      await leave();
      await fill();
    }
    await leave();
    const leftBytes = (heapBytes() - empty) / (users * rounds);
    say('contexts: looks');
    const looks = isQuick ? 20_000 : 200_000;
    const figures = [
      bytes('a user who is there, with two instances', heldBytes),
      {
        ...bytes('what is left of a user who has gone', leftBytes),
        target: `≤ ${maxLeftBytes} bytes`,
        isReached: leftBytes <= maxLeftBytes,
      },
      microseconds('get of a user', looks, () => contexts.get('u-0')),
      microseconds('run of a request', looks, () => contexts.run('u-0', () => 1)),
      await contexts.run('u-0', async () =>
        microseconds('current within a request', looks, () => contexts.current()),
      ),
    ];
    await contexts.close();
    return figures;
  } finally {
    await stand.close();
  }
}

function bytes(what: string, figure: number): Figure {
  return { ...told, number: 'contexts', what, figure, unit: 'bytes' };
}

function microseconds(what: string, looks: number, look: () => unknown): Figure {
  for (let i = 0; i < looks / 10; i++) look();
  const start = process.cpuUsage();
  for (let i = 0; i < looks; i++) look();
  const { user } = process.cpuUsage(start);
  return { ...told, number: 'contexts', what, figure: user / looks, unit: 'µs' };
}
