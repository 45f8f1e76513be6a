/**
 * The history as a file: CSV (RFC 4180) or NDJSON, event by event, in bounded memory.
 * In: events from the read model; out: lines. Cells that a spreadsheet would take for a formula are made harmless.
 */

import { eventAnswer } from '../domain/event-answer.ts';
import type { HistoryItem } from '../domain/questions.ts';

export const ndjsonType = 'application/x-ndjson';
export const csvType = 'text/csv';

const columns = [
  'revision',
  'recordedAt',
  'type',
  'subject',
  'version',
  'actor',
  'actorKind',
  'via',
  'reason',
  'source',
  'changesetId',
  'requestId',
  'undoes',
  'data',
  'changes',
] as const;

/** One event a line, as JSON. */
export async function* ndjsonLines(events: AsyncIterable<HistoryItem>): AsyncGenerator<string> {
  for await (const event of events) yield `${JSON.stringify(eventAnswer(event))}\n`;
}

/** A head line and one event a line; `data` and `changes` are JSON. */
export async function* csvLines(events: AsyncIterable<HistoryItem>): AsyncGenerator<string> {
  yield `${columns.join(',')}\r\n`;
  for await (const event of events) yield `${cellsOf(event).map(csvCell).join(',')}\r\n`;
}

function cellsOf(event: HistoryItem): readonly string[] {
  const { revision, recordedAt, type, subject, version, actor, reason, source } = event;
  const { changesetId, requestId, undoes = '', data, changes } = event;
  const who = [actor.id, actor.kind, actor.via ?? ''];
  const text = [JSON.stringify(data), JSON.stringify(changes)];
  return [
    String(revision),
    recordedAt,
    type,
    subject,
    String(version),
    ...who,
    reason,
    source,
    changesetId,
    requestId,
    undoes,
    ...text,
  ];
}

/** How formulas begin, in ASCII and in full width. */
const formula = /^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;

/**
 * A cell in quotes. A text that begins like a formula gets an apostrophe in front (OWASP, "CSV injection"), also
 * behind white space, which spreadsheets skip.
 */
export function csvCell(text: string): string {
  const harmless = formula.test(text) || /^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}

/** The file type that an Accept header prefers to JSON; undefined when it does not. */
export function exportType(accept: string | undefined): typeof ndjsonType | typeof csvType | undefined {
  if (accept === undefined) return undefined;
  const ranked = accept
    .split(',')
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((one, other) => other.weight - one.weight);
  for (const { type } of ranked) {
    if (type === csvType || type === ndjsonType) return type;
    if (type === 'application/json' || type === '*/*' || type === 'application/*') return undefined;
  }
  return undefined;
}
