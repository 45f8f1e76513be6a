/**
 * Events as server-sent messages. In: events in order; out: one frame for each that a view shows.
 * Stateless, so that what is sent after a cut inside a changeset is what would have been sent without it.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { formatInstant } from '../domain/instant.ts';
import type { LiveTurn } from '../domain/turns.ts';
import { valuesView } from '../domain/values-view.ts';

/** `events`: all that happened; `values`: only what resolution needs. */
export type StreamView = 'events' | 'values';

export interface Frame {
  readonly revision: number;
  readonly text: string;
}

/**
 * The frame of an event. In the view `values` an event that resolution does not need makes no frame, but when it is
 * the last of its changeset a message of the type `revision` takes its place: what came before is complete.
 */
export function frameOf(event: RecordedEvent, view: StreamView): Frame | undefined {
  const { revision, last, recordedAt } = event;
  const shown = view === 'events' ? withoutKey(event) : valuesView(event);
  if (shown !== undefined) return { revision, text: `id: ${revision}\ndata: ${JSON.stringify(shown)}\n\n` };
  return last ? { revision, text: revisionText(revision, recordedAt) } : undefined;
}

/** A message that only says how far the ledger has come; always stands between changesets. */
export function revisionText(revision: number, recordedAt: string): string {
  return `event: revision\nid: ${revision}\ndata: ${JSON.stringify({ revision, recordedAt, last: true })}\n\n`;
}

/**
 * A message of what has turned by itself at a moment (epoch milliseconds). It has no id: no event happened, and a client
 * resumes from where it was. Empty where a view shows none of it: prices are nothing that one resolves with.
 */
export function activationText(at: number, turns: readonly LiveTurn[], view: StreamView): string {
  const items = view === 'events' ? turns : turns.filter(({ kind }) => kind !== 'price');
  if (items.length === 0) return '';
  return `event: activation\ndata: ${JSON.stringify({ at: formatInstant(at), items })}\n\n`;
}

export const heartbeatText = ': alive\n\n';

/** How long a client waits before it comes again, in milliseconds. */
export function retryText(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** The ledger is named by the request, the idempotency key belongs to its sender. */
function withoutKey(event: RecordedEvent): object {
  const { ledger: _ledger, idempotency: _idempotency, ...shown } = event;
  return shown;
}
