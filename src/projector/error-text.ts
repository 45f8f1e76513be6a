/**
 * An error as it may be shown and kept: what kind, and never what it is about. Messages of drivers and of bugs hold
 * keys and values; codes, reasons and the names of constraints do not.
 */
import { readCode } from '../database/database-failure.ts';
import { Failure } from '../failure.ts';

/** One line without keys or values: `corrupt (unknown_event_type)`, `SQLSTATE 23505 (tags_pk)`, `TypeError`. */
export function errorText(error: unknown): string {
  if (error instanceof Failure) return withDetail(error.code, error.reason);
  const code = readCode(error);
  if (code !== undefined)
    return withDetail(`SQLSTATE ${code}`, readName(error, 'constraint') ?? readName(error, 'table'));
  return error instanceof Error ? error.name : 'unknown error';
}

/** Where it was thrown, without the message above the frames; for logs. */
export function errorFrames(error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  return lines.filter((line) => /^ {4}at /.test(line)).join('\n');
}

function withDetail(text: string, detail: string | undefined): string {
  return detail === undefined ? text : `${text} (${detail})`;
}

function readName(error: unknown, field: 'constraint' | 'table'): string | undefined {
  const value: unknown = error instanceof Error ? Reflect.get(error, field) : undefined;
  return typeof value === 'string' ? value : undefined;
}
