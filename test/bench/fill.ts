/**
 * Talks to a running Varve for the benches: fills it with a world, and waits until its read models have it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { LoadTarget } from './load.ts';
import type { World } from './world.ts';

const changesAtOnce = 10_000;
const catchUpLimitMs = 600_000;

/** The world's keys and overrides by changesets of 10,000 changes; what is there already stays. */
export async function fill(target: LoadTarget, world: World): Promise<void> {
  await change(target, world.definitions);
  let changes: unknown[] = [];
  for (const override of world.overrides()) {
    changes.push(override);
    if (changes.length < changesAtOnce) continue;
    await change(target, changes);
    changes = [];
  }
  if (changes.length > 0) await change(target, changes);
  await reachHead(target);
}

export interface CatchingUp {
  /** Events that the slowest read model was behind at first. */
  readonly lag: number;
  /** Milliseconds until none was behind. */
  readonly ms: number;
}

/** Waits until every read model holds the head. */
export async function reachHead(target: LoadTarget): Promise<CatchingUp> {
  const start = Date.now();
  const first = await lagOf(target);
  for (let lag = first; lag > 0; lag = await lagOf(target)) {
    if (Date.now() - start > catchUpLimitMs)
      throw new Error(`the read models are still ${lag} events behind`);
    await wait(10);
  }
  return { lag: first, ms: Date.now() - start };
}

/** An answer of Varve as JSON; anything but 2xx ends the bench. */
export async function ask(target: LoadTarget, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${target.url}${path}`, {
    headers: target.headers,
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

async function change(target: LoadTarget, changes: readonly unknown[]): Promise<void> {
  await ask(target, '/v1/changesets', { reason: 'The world of a bench', changes });
}

async function lagOf(target: LoadTarget): Promise<number> {
  const status = (await ask(target, '/v1/status')) as {
    readonly projections: readonly { readonly name: string; readonly lag: number; readonly state: string }[];
  };
  const stopped = status.projections.find(({ state }) => state === 'stopped');
  if (stopped !== undefined) throw new Error(`the projection ${stopped.name} has stopped`);
  return Math.max(...status.projections.map(({ lag }) => lag));
}
