/**
 * What a hub of streams lives by: the changesets of a ledger, what turns by itself, and a beat. In: a live ledger; out: calls,
 * until it is stopped. It keeps no process alive.
 */
import type { RecordedEvent } from '../domain/event.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { Activations, type ActivationsDependencies } from './activations.ts';

export interface LedgerFollower extends Pick<ActivationsDependencies, 'now'> {
  readonly heartbeatMs: number;
  readonly onChangeset: (events: readonly RecordedEvent[]) => void;
  /** Of a moment (epoch milliseconds) that has come. */
  readonly onTurns: ActivationsDependencies['tell'];
  readonly onBeat: () => void;
}

/** Answers how to stop. */
export function followLedger(ledger: LiveLedger, follower: LedgerFollower): () => void {
  const activations = new Activations({ ledger, now: follower.now, tell: follower.onTurns });
  const unsubscribe = ledger.onChangeset((events) => {
    follower.onChangeset(events);
    activations.note(events);
  });
  const timer = setInterval(() => {
    follower.onBeat();
    activations.check();
  }, follower.heartbeatMs);
  timer.unref();
  return () => {
    unsubscribe();
    activations.stop();
    clearInterval(timer);
  };
}
