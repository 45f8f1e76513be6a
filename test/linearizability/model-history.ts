/**
 * Histories of a Varve that is right: a log in memory, servers that follow it with a lag, clients that race.
 * In: a stream of random numbers; out: what the clients saw and the log. Each operation acts at one moment between its
 * call and its return; what nobody heard of acts later, or never.
 */
import type { Random } from '../disaster/random.ts';
import type { Change, Guard, History, LogEvent, Operation, Outcome, Read, Value } from './history.ts';
import { heardRevision } from './ledger-laws.ts';

const subjects = ['lin.a@user:u1', 'lin.a@user:u2', 'lin.b@user:u1'];
const servers = ['one', 'two', 'three'];

interface Plan {
  readonly id: string;
  readonly server: string;
  readonly call: number;
  readonly act: number;
  readonly end: number;
}

class RightVarve {
  readonly log: LogEvent[] = [];
  readonly operations: Operation[] = [];
  readonly #random: Random;
  readonly #reached = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  write(plan: Plan): void {
    const { id, server, call, act, end } = plan;
    const changes = this.#changes(id);
    const guard = this.#guard(changes[0]?.subject ?? '');
    const isUnheard = this.#random.chance(0.1);
    const outcome: Outcome =
      isUnheard && this.#random.chance(0.5) ? { kind: 'unknown' } : this.#decide(id, changes, guard, act);
    this.#reached.set(server, this.log.length);
    this.operations.push({
      kind: 'write',
      id,
      server,
      call,
      return: isUnheard ? undefined : end,
      changes,
      guard,
      isIdempotent: true,
      outcome: isUnheard ? { kind: 'unknown' } : outcome,
    });
  }

  read({ id, server, call, end }: Plan): void {
    const isFresh = this.#random.chance(0.4);
    const minRevision = isFresh || this.#random.chance(0.5) ? this.#heardBefore(call) : undefined;
    const lagging = this.log.length - this.#random.below(6);
    const revision = Math.max(this.#reached.get(server) ?? 0, minRevision ?? 0, lagging, 0);
    this.#reached.set(server, revision);
    const subject = this.#subject();
    const event = this.log.findLast((one) => one.subject === subject && one.revision <= revision);
    this.operations.push({
      kind: 'read',
      id,
      server,
      call,
      return: end,
      subject,
      minRevision,
      isFresh,
      revision,
      value: event?.value ?? null,
      version: this.#random.chance(0.5) ? (event?.version ?? 0) : undefined,
    } satisfies Read);
  }

  #decide(id: string, changes: readonly Change[], guard: Guard, at: number): Outcome {
    const revision = this.log.length;
    if (guard.kind === 'revision' && guard.expected !== revision)
      return { kind: 'moved', at: revision, revision };
    const version = this.#newest(changes[0]?.subject ?? '')?.version ?? 0;
    if (guard.kind === 'version' && guard.expected !== version)
      return { kind: 'moved', at: version, revision };
    if (this.#random.chance(0.05)) return { kind: 'refused', reason: 'races_lost' };
    const changing = changes.filter(({ subject, value }) => (this.#newest(subject)?.value ?? null) !== value);
    const events = changing.map(
      (change, place): LogEvent => ({
        ...change,
        revision: revision + 1 + place,
        version: (this.#newest(change.subject)?.version ?? 0) + 1,
        changesetId: `c-${id}`,
        last: place === changing.length - 1,
        writeId: id,
        recordedAt: Math.floor(at),
      }),
    );
    this.log.push(...events);
    if (events.length === 0) return { kind: 'same', revision };
    return { kind: 'done', changesetId: `c-${id}`, events };
  }

  #newest(subject: string): LogEvent | undefined {
    return this.log.findLast((event) => event.subject === subject);
  }

  #heardBefore(time: number): number {
    const heard = this.operations.map((one) =>
      one.return === undefined || one.return >= time ? 0 : heardRevision(one),
    );
    return Math.max(0, ...heard);
  }

  #changes(id: string): readonly Change[] {
    const value: Value = this.#random.chance(0.2) ? null : id;
    const first = this.#subject();
    const second = this.#subject();
    return first === second
      ? [{ subject: first, value }]
      : [
          { subject: first, value },
          { subject: second, value },
        ];
  }

  #guard(subject: string): Guard {
    const guess = this.#random.below(3) - 1;
    if (this.#random.chance(0.3)) {
      return { kind: 'version', expected: Math.max(0, (this.#newest(subject)?.version ?? 0) + guess) };
    }
    if (this.#random.chance(0.2)) return { kind: 'revision', expected: Math.max(0, this.log.length + guess) };
    return { kind: 'plain' };
  }

  #subject(): string {
    return subjects[this.#random.below(subjects.length)] ?? '';
  }
}

/** A right history: `clients` clients, each with so many operations one after the other. */
export function modelHistory(random: Random, clients = 5, each = 12): History {
  const plans: Plan[] = [];
  for (let client = 0; client < clients; client++) {
    let time = random.next() * 5;
    for (let turn = 0; turn < each; turn++) {
      const call = time + random.next();
      const act = call + random.next() * 4;
      const end = act + random.next() * 4;
      time = end;
      const server = servers[random.below(servers.length)] ?? '';
      plans.push({ id: `c${client}-${turn}`, server, call, act, end });
    }
  }
  const varve = new RightVarve(random);
  for (const plan of plans.sort((a, b) => a.act - b.act)) {
    if (random.chance(0.5)) varve.write(plan);
    else varve.read(plan);
  }
  return { operations: varve.operations, log: varve.log };
}
