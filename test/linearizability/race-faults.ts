/**
 * What is done to the servers while they race: one is killed and started again, one is paused and wakes up with an old
 * head, one loses the database's answer to something. One fault at a time, so that the others must be unharmed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../disaster/random.ts';
import type { RaceServer } from './race-server.ts';
import type { Recorder } from './recorder.ts';

export type Fault = 'kill' | 'pause' | 'cut';

export interface FaultOptions {
  readonly servers: readonly RaceServer[];
  readonly recorder: Recorder;
  readonly random: Random;
  readonly isRunning: () => boolean;
  readonly say: (line: string) => void;
  /** Called before a server is killed: what it counted dies with it. */
  readonly beforeKill: (server: RaceServer) => Promise<void>;
}

/** Statements of a server that its database answers in vain: appends of both kinds, the way to them, look-ups. */
const lostAnswers = [
  'ledger-append',
  'commit',
  'ledger-turn',
  'ledger-read',
  'shared-clock',
  'find_idempotent',
];
/** Every fault comes once in so many, in an order by chance. */
const deck: readonly Fault[] = ['kill', 'pause', 'cut', 'pause', 'cut', 'cut'];
const calmMs = 500;
/** Every third pause is longer than a server may be silent in its turn. */
const pauseMs = 600;
const longPauseMs = 2_600;
const cutMs = 400;

export async function makeTrouble(options: FaultOptions): Promise<Readonly<Record<Fault, number>>> {
  const { servers, recorder, random, isRunning, say } = options;
  const counts: Record<Fault, number> = { kill: 0, pause: 0, cut: 0 };
  let left: Fault[] = [];
  while (isRunning()) {
    await sleep(calmMs * (0.3 + random.next()));
    if (!isRunning()) break;
    if (left.length === 0) left = [...deck];
    const [fault] = left.splice(random.below(left.length), 1);
    const server = servers[random.below(servers.length)];
    if (fault === undefined || server === undefined) break;
    recorder.trouble(server.name);
    say(`${fault} ${server.life()}`);
    counts[fault]++;
    await strike(fault, server, options);
    recorder.calm(server.name);
  }
  return counts;
}

async function strike(fault: Fault, server: RaceServer, { random, beforeKill }: FaultOptions): Promise<void> {
  switch (fault) {
    case 'kill':
      await beforeKill(server);
      return server.killAndRestart();
    case 'pause':
      server.pause();
      await sleep(random.chance(0.33) ? longPauseMs : 100 + random.next() * pauseMs);
      return server.resume();
    case 'cut':
      server.proxy.loseAnswerTo(lostAnswers[random.below(lostAnswers.length)] ?? '');
      await sleep(cutMs);
      return server.proxy.loseAnswerTo(nothing);
    default:
      return fault satisfies never;
  }
}

/** No statement has this in it. */
const nothing = '\u0000nothing is lost\u0000';
