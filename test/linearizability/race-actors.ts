/**
 * Who takes part in the race: writers with every kind of guard and patience, readers with and without minRevision.
 * In: servers, a recorder, a stream of random numbers; out: operations in the recorder. Each actor does one thing after
 * the other; a wish with a key is asked again, at any server, until it is answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../disaster/random.ts';
import type { Change, Guard, Outcome, Value } from './history.ts';
import { type Attempt, patienceMs, readSubject, sendWish, type Wish } from './race-client.ts';
import type { RaceServer } from './race-server.ts';
import type { Recorder } from './recorder.ts';

export interface Race {
  readonly servers: readonly RaceServer[];
  readonly subjects: readonly string[];
  readonly apiKey: string;
  readonly recorder: Recorder;
  /** False ends the actors after what they are at. */
  isRunning(): boolean;
  /** False ends also those that still ask for an answer. */
  mayAskAgain(): boolean;
}

/** What a client remembers between its operations. */
interface Memory {
  /** The highest revision it has heard of. */
  revision: number;
  readonly versions: Map<string, number>;
}

const thinkMs = 6;
const backOffMs = 30;

export async function writeOn(race: Race, name: string, random: Random): Promise<void> {
  const { recorder } = race;
  const memory: Memory = { revision: 0, versions: new Map() };
  for (let turn = 1; race.isRunning(); turn++) {
    const id = `${name}-${turn}`;
    const changes = chooseChanges(race, id, random);
    const guard = chooseGuard(changes, memory, recorder.heard, random);
    const isIdempotent = random.chance(0.75);
    const wish: Wish = { id, changes, guard, idempotencyKey: isIdempotent ? id : undefined };
    await write(race, wish, memory, random);
    await sleep(random.next() * thinkMs);
  }
}

async function write(race: Race, wish: Wish, memory: Memory, random: Random): Promise<void> {
  const { recorder } = race;
  const call = recorder.now();
  let isUnknown = false;
  for (;;) {
    const server = pick(race.servers, random);
    const sentAt = recorder.now();
    const life = server.life();
    const limitMs = choosePatience(random);
    const attempt = await sendWish({ url: server.url, apiKey: race.apiKey }, wish, limitMs);
    const kind = `write ${wish.guard.kind}`;
    if (attempt.kind === 'answered') {
      recorder.count(kind, attempt.outcome.kind);
      learn(memory, wish, attempt, attempt.outcome);
      note(attempt.outcome, recorder.now(), life === server.life() ? life : `${wish.id} alone`);
      return;
    }
    if (attempt.kind === 'improper') recorder.improper(server, wish.id, attempt.why);
    else if (!isImpatience(attempt.reason, limitMs)) {
      recorder.failed(server, wish.id, sentAt, attempt.reason);
    }
    const word = attempt.kind === 'improper' ? 'improper' : `${attempt.outcome}: ${attempt.reason}`;
    recorder.count(kind, word);
    isUnknown ||= attempt.kind === 'improper' || attempt.outcome === 'unknown';
    const asksAgain = wish.idempotencyKey !== undefined && race.mayAskAgain();
    if (!asksAgain) {
      if (isUnknown) note({ kind: 'unknown' }, undefined, 'nobody');
      else note({ kind: 'refused', reason: word }, recorder.now(), life);
      return;
    }
    await sleep(backOffMs * (0.5 + random.next()));
  }

  function note(outcome: Outcome, end: number | undefined, server: string): void {
    const { id, changes, guard, idempotencyKey } = wish;
    const isIdempotent = idempotencyKey !== undefined;
    recorder.record({ kind: 'write', id, call, return: end, server, changes, guard, isIdempotent, outcome });
  }
}

function learn(
  memory: Memory,
  { changes, guard }: Wish,
  { revision }: Extract<Attempt, { kind: 'answered' }>,
  outcome: Outcome,
): void {
  memory.revision = Math.max(memory.revision, revision);
  if (outcome.kind === 'done') {
    for (const { subject, version } of outcome.events) memory.versions.set(subject, version);
  }
  const [first] = changes;
  if (outcome.kind === 'moved' && guard.kind === 'version' && first !== undefined) {
    memory.versions.set(first.subject, outcome.at);
  }
}

/** A third of the clients does not wait for a server that is paused, and asks another one. */
function choosePatience(random: Random): number {
  return random.chance(0.33) ? 300 + random.below(500) : patienceMs;
}

function isImpatience(reason: string, limitMs: number): boolean {
  return reason === 'TimeoutError' && limitMs < patienceMs;
}

export async function readOn(race: Race, name: string, random: Random): Promise<void> {
  const { recorder, subjects } = race;
  let own = 0;
  for (let turn = 1; race.isRunning(); turn++) {
    const server = pick(race.servers, random);
    const subject = pick(subjects, random);
    const from = random.chance(0.7) ? 'memory' : 'tables';
    const wants = random.next();
    const isFresh = wants < 0.35;
    const call = recorder.now();
    const minRevision = isFresh ? recorder.heard : wants < 0.65 ? own : undefined;
    const kind = `read ${from} ${isFresh ? 'fresh' : minRevision === undefined ? 'any' : 'own'}`;
    const life = server.life();
    const id = `${name}-${turn}`;
    const limitMs = choosePatience(random);
    const target = { url: server.url, apiKey: race.apiKey };
    const attempt = await readSubject(target, subject, from, minRevision, limitMs);
    if (attempt.kind === 'answered') {
      const { revision, value, version } = attempt;
      recorder.count(kind, 'answered');
      recorder.record({
        kind: 'read',
        id,
        call,
        return: recorder.now(),
        server: life === server.life() ? life : `${id} alone`,
        subject,
        minRevision,
        isFresh,
        revision,
        value,
        version,
      });
      own = Math.max(own, revision);
    } else if (attempt.kind === 'failed') {
      recorder.count(kind, `failed: ${attempt.reason}`);
      if (!isImpatience(attempt.reason, limitMs)) recorder.failed(server, id, call, attempt.reason);
      await sleep(backOffMs);
    } else {
      recorder.count(kind, 'improper');
      recorder.improper(server, id, attempt.why);
      await sleep(backOffMs);
    }
    await sleep(random.next() * thinkMs);
  }
}

/** Mostly one subject; a third of the wishes are about two. */
function chooseChanges({ subjects }: Race, id: string, random: Random): readonly Change[] {
  const value: Value = random.chance(0.2) ? null : id;
  const first = pick(subjects, random);
  const second = pick(subjects, random);
  const isTwo = first !== second && random.chance(0.33);
  return [{ subject: first, value }, ...(isTwo ? [{ subject: second, value }] : [])];
}

/** A version guards one override alone: there is no door for more. */
function chooseGuard(changes: readonly Change[], memory: Memory, heard: number, random: Random): Guard {
  const [first] = changes;
  const chance = random.next();
  if (changes.length === 1 && first !== undefined && chance < 0.4) {
    return { kind: 'version', expected: memory.versions.get(first.subject) ?? 0 };
  }
  return chance > 0.85 ? { kind: 'revision', expected: heard } : { kind: 'plain' };
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error('there is nothing to choose from');
  return item;
}
