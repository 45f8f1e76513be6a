/**
 * Events as server-sent messages. In: events in order; out: one frame for each that a client's lens shows.
 * Stateless, so that what is sent after a cut inside a changeset is what would have been sent without it.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { formatInstant } from '../domain/instant.ts';
import { type ScopeFilter, scopeOfEvent } from '../domain/scope-filter.ts';
import type { LiveTurn } from '../domain/turns.ts';
import { valuesView } from '../domain/values-view.ts';

/** `events`: all that happened; `values`: only what resolution needs. */
export type StreamView = 'events' | 'values';

/** What a client sees. Those who see the same share one. */
export interface StreamLens {
  readonly view: StreamView;
  /** The overrides that it sees; all when absent. */
  readonly scopes?: ScopeFilter;
}

export interface Frame {
  /** Of the event; absent where no event happened. */
  readonly revision?: number;
  readonly text: string;
}

/** Something in words for whoever asks. */
export type Telling = (lens: StreamLens) => readonly Frame[];

/** An event in words: as it is shown, and what takes its place where it is not. */
interface Words {
  readonly event: RecordedEvent;
  readonly shown: Frame | undefined;
  readonly passed: Frame | undefined;
}

/**
 * The frame of an event. An event that a lens does not show (in the view `values` what resolution does not need, and
 * overrides of other scopes) makes no frame, but when it is the last of its changeset a message of the type `revision`
 * takes its place: what came before is complete.
 */
export function frameOf(event: RecordedEvent, lens: StreamLens): Frame | undefined {
  return frameIn(wordsOf(event, lens.view), lens);
}

/** Events for every lens that asks; words are made once a view. */
export function tellEvents(events: readonly RecordedEvent[]): Telling {
  const told = new Map<StreamView, readonly Words[]>();
  return (lens) => {
    const words = told.get(lens.view) ?? events.map((event) => wordsOf(event, lens.view));
    told.set(lens.view, words);
    return words.flatMap((word) => frameIn(word, lens) ?? []);
  };
}

function wordsOf(event: RecordedEvent, view: StreamView): Words {
  const { revision, last, recordedAt } = event;
  const shown = view === 'events' ? withoutKey(event) : valuesView(event);
  const text = shown === undefined ? undefined : `id: ${revision}\ndata: ${JSON.stringify(shown)}\n\n`;
  return {
    event,
    shown: text === undefined ? undefined : { revision, text },
    passed: last ? { revision, text: revisionText(revision, recordedAt) } : undefined,
  };
}

function frameIn({ event, shown, passed }: Words, { scopes }: StreamLens): Frame | undefined {
  const scope = scopes && scopeOfEvent(event);
  if (scope !== undefined && !scopes?.covers(scope)) return passed;
  return shown ?? passed;
}

/** A message that only says how far the ledger has come; always stands between changesets. */
export function revisionText(revision: number, recordedAt: string): string {
  return `event: revision\nid: ${revision}\ndata: ${JSON.stringify({ revision, recordedAt, last: true })}\n\n`;
}

/**
 * A message of what has turned by itself at a moment (epoch milliseconds). It has no id: no event happened, and a client
 * resumes from where it was. None where a lens shows none of it: prices are nothing that one resolves with.
 */
export function tellTurns(at: number, turns: readonly LiveTurn[]): Telling {
  return (lens) => {
    const items = turns.filter((turn) => isShown(turn, lens));
    if (items.length === 0) return [];
    return [{ text: `event: activation\ndata: ${JSON.stringify({ at: formatInstant(at), items })}\n\n` }];
  };
}

function isShown(turn: LiveTurn, { view, scopes }: StreamLens): boolean {
  if (turn.kind === 'price') return view === 'events';
  return scopes === undefined || turn.kind === 'sunset' || scopes.covers(turn.scope);
}

/**
 * The sign of life: the server's present moment (epoch milliseconds), and how many milliseconds ago it last heard from
 * its log. It has no id, as it moves nothing on.
 */
export function aliveText(at: number, ageMs: number): string {
  return `event: alive\ndata: ${JSON.stringify({ at: formatInstant(at), ageMs })}\n\n`;
}

/** How long a client waits before it comes again, in milliseconds. */
export function retryText(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** The ledger is named by the request, the idempotency key belongs to its sender. */
function withoutKey(event: RecordedEvent): object {
  const { ledger: _ledger, idempotency: _idempotency, ...shown } = event;
  return shown;
}
