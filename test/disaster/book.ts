/**
 * The oracle's memory: what was sent, and what the client knows about it. It lives in the harness alone, which is not
 * killed. In: requests and outcomes; out: entries for the oracle. An answer, once given, is never given up.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SentChangeset } from './workload.ts';

/** One event as it was answered. */
export interface AnsweredEvent {
  readonly revision: number;
  readonly type: string;
  readonly subject: string;
  readonly value: unknown;
  readonly recordedAt: string;
  readonly changesetId: string;
  readonly last: boolean;
}

/** What a 201 says. */
export interface ChangesetAnswer {
  readonly changesetId: string;
  readonly first: number;
  readonly last: number;
  readonly events: readonly AnsweredEvent[];
}

/** What a client knows after one request. */
export type Outcome =
  | { readonly kind: 'acknowledged'; readonly answer: ChangesetAnswer; readonly isReplay: boolean }
  /** The server said that nothing was recorded, or was never reached. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Connection lost, no answer in time, or the server itself does not know. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** An answer that no changeset of ours may get. */
  | { readonly kind: 'improper'; readonly why: string };

export interface Entry {
  readonly sent: SentChangeset;
  /** `pending` while nobody has answered. */
  readonly state: 'pending' | 'acknowledged' | 'refused' | 'unknown';
  readonly answer: ChangesetAnswer | undefined;
  /** The outcome of the first request was unknown. */
  readonly wasUnknown: boolean;
}

export interface Book {
  send(sent: SentChangeset): void;
  /** The outcome of the first request. */
  note(marker: string, outcome: Outcome): void;
  /** The outcome of asking again with the same key; true when that settles the matter. */
  noteAgain(marker: string, outcome: Outcome): boolean;
  unknown(): readonly SentChangeset[];
  entries(): readonly Entry[];
  /** Takes out all entries: what was judged need not be remembered. Nobody may be waiting for an answer. */
  takeEntries(): readonly Entry[];
  counts(): BookCounts;
  /** What was seen that must never be seen, in the order of seeing. */
  complaints(): readonly string[];
}

export interface BookCounts {
  readonly acknowledged: number;
  readonly refused: number;
  /** Whose first outcome was unknown. */
  readonly unknown: number;
  /** Of the unknown ones: answered when asked again. */
  readonly resolved: number;
  /** Of the resolved ones: had been recorded before they were asked again. */
  readonly recorded: number;
}

interface OpenEntry extends Entry {
  state: Entry['state'];
  answer: ChangesetAnswer | undefined;
  wasUnknown: boolean;
}

/** An empty book. */
export function createBook(): Book {
  const entries = new Map<string, OpenEntry>();
  const unknown = new Set<OpenEntry>();
  const complaints: string[] = [];
  const counts = { acknowledged: 0, refused: 0, unknown: 0, resolved: 0, recorded: 0 };

  const entryOf = (marker: string): OpenEntry => {
    const entry = entries.get(marker);
    if (entry === undefined) throw new Error(`${marker} was never sent`);
    return entry;
  };
  const acknowledge = (entry: OpenEntry, answer: ChangesetAnswer) => {
    entry.state = 'acknowledged';
    entry.answer = answer;
    counts.acknowledged++;
  };

  return {
    send(sent) {
      if (entries.has(sent.marker)) throw new Error(`${sent.marker} was sent already`);
      entries.set(sent.marker, { sent, state: 'pending', answer: undefined, wasUnknown: false });
    },
    note(marker, outcome) {
      const entry = entryOf(marker);
      switch (outcome.kind) {
        case 'acknowledged':
          if (outcome.isReplay) complaints.push(`${marker} was answered as a replay at the first request`);
          acknowledge(entry, outcome.answer);
          break;
        case 'refused':
          entry.state = 'refused';
          counts.refused++;
          break;
        case 'improper':
          complaints.push(`${marker}: ${outcome.why}`);
          markUnknown(entry);
          break;
        case 'unknown':
          markUnknown(entry);
          break;
      }
    },
    noteAgain(marker, outcome) {
      const entry = entryOf(marker);
      if (outcome.kind === 'improper') complaints.push(`${marker}, asked again: ${outcome.why}`);
      if (outcome.kind !== 'acknowledged') return false;
      if (entry.answer !== undefined) {
        if (!outcome.isReplay) complaints.push(`${marker} was done again when it was asked again`);
        if (!isDeepStrictEqual(entry.answer, outcome.answer)) {
          complaints.push(`${marker} was answered differently when it was asked again`);
        }
        return true;
      }
      acknowledge(entry, outcome.answer);
      unknown.delete(entry);
      counts.resolved++;
      if (outcome.isReplay) counts.recorded++;
      return true;
    },
    unknown: () => [...unknown].map(({ sent }) => sent),
    entries: () => [...entries.values()],
    takeEntries() {
      const taken = [...entries.values()];
      entries.clear();
      unknown.clear();
      return taken;
    },
    counts: () => ({ ...counts }),
    complaints: () => complaints,
  };

  function markUnknown(entry: OpenEntry): void {
    entry.state = 'unknown';
    entry.wasUnknown = true;
    unknown.add(entry);
    counts.unknown++;
  }
}
