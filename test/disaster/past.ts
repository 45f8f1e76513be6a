/**
 * What an audit leaves behind for the next one: enough to go on judging, without everything that was judged already.
 * In: a past and the log that follows it; out: the longer past. It keeps a run of hundreds of cycles in memory.
 */
import type { AnsweredEvent } from './book.ts';
import { readValue } from './workload.ts';

/** What was judged before, and is not read back again in full. */
export interface Past {
  /** The last revision that was judged. */
  readonly revision: number;
  readonly recordedAt: string;
  /** Of all changesets up to there. */
  readonly markers: ReadonlySet<string>;
  /** The newest value of each override, by subject. */
  readonly newest: ReadonlyMap<string, unknown>;
}

export const noPast: Past = { revision: 0, recordedAt: '', markers: new Set(), newest: new Map() };

/** The past with a log that follows it. */
export function pastWith(past: Past, log: readonly AnsweredEvent[]): Past {
  const markers = log.flatMap(({ value }) => readValue(value)?.marker ?? []);
  return {
    revision: past.revision + log.length,
    recordedAt: log.at(-1)?.recordedAt ?? past.recordedAt,
    markers: new Set([...past.markers, ...markers]),
    newest: newestAfter(past, log),
  };
}

/** The newest value of each override. */
export function newestAfter({ newest }: Past, log: readonly AnsweredEvent[]): ReadonlyMap<string, unknown> {
  const sets = log.filter(({ type }) => type === 'OverrideSet');
  return new Map([...newest, ...sets.map(({ subject, value }) => [subject, value] as const)]);
}
