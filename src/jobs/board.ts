/**
 * The dashboard of the queues (bull-board), to look only: what a queue holds is found again from the tables, so there is
 * nothing in it to be repaired, and a page without buttons needs no guard against forged clicks.
 * In: queues; out: a plugin for the HTTP side, which says who may see it.
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Queue } from 'bullmq';
import type { JobQueue } from './queue-place.ts';

export type BoardPlugin = ReturnType<FastifyAdapter['registerPlugin']>;

/** `folder` is where it will be mounted: `/v1/jobs/board`. */
export function createBoard(queues: readonly JobQueue[], folder: string): BoardPlugin {
  const serverAdapter = new FastifyAdapter();
  createBullBoard({
    // It takes queues of every backend; only its types know Redis alone.
    queues: queues.map((queue) => new BullMQAdapter(queue as unknown as Queue, { readOnlyMode: true })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Varve', hideRedisDetails: true } },
  });
  serverAdapter.setBasePath(folder);
  // Its own handler would answer what the gate throws as an internal error with a stack.
  serverAdapter.setErrorHandler((error) => {
    throw error;
  });
  return serverAdapter.registerPlugin();
}
