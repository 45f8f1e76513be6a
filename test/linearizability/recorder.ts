/**
 * The notebook of a race: every operation with its times, what was heard of by anybody, and who was told no.
 * In: what clients did; out: the history's operations, counts for the report, and complaints: improper answers, and
 * servers that failed their clients while nothing was done to them.
 */
import type { Operation } from './history.ts';
import { heardRevision } from './ledger-laws.ts';
import type { RaceServer } from './race-server.ts';

/** A server that lost all its races may say so at any time; everything else needs a cause. */
const harmless = new Set(['races_lost']);

export class Recorder {
  readonly operations: Operation[] = [];
  readonly complaints: string[] = [];
  readonly counts = new Map<string, number>();
  /** The highest revision that any client has heard of. */
  heard = 0;
  slowestMs = 0;
  readonly #troubled = new Map<string, number>();

  /** Milliseconds on the harness' clock. */
  readonly now = (): number => performance.now();

  record(operation: Operation): void {
    this.operations.push(operation);
    if (operation.return === undefined) return;
    this.slowestMs = Math.max(this.slowestMs, operation.return - operation.call);
    this.heard = Math.max(this.heard, heardRevision(operation));
  }

  count(kind: string, outcome: string): void {
    const name = `${kind}\t${outcome}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** From now until `calm`, what this server's clients are told is no surprise. */
  trouble(server: string): void {
    this.#troubled.set(server, Number.POSITIVE_INFINITY);
  }

  calm(server: string): void {
    this.#troubled.set(server, this.now());
  }

  /** An attempt that began at `call` has failed just now. */
  failed(server: RaceServer, id: string, call: number, reason: string): void {
    const lastTrouble = this.#troubled.get(server.name) ?? 0;
    if (lastTrouble >= call || harmless.has(reason)) return;
    this.complaints.push(`${server.name} was left alone and failed ${id}: ${reason}`);
  }

  improper(server: RaceServer, id: string, why: string): void {
    this.complaints.push(`${server.name} answered ${id} improperly: ${why}`);
  }
}
