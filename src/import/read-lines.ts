/**
 * A file as lines, one after another, in bounded memory.
 * In: a path; out: lines without their ends, and how far the reading is. Failures of the file system become Failure
 * here; what a line means is history-record's affair.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { Failure } from '../failure.ts';
import { maxLineLength } from './history-record.ts';

export interface LineReader {
  readonly lines: AsyncIterable<string>;
  /** Bytes read so far. */
  readonly bytesRead: () => number;
}

/**
 * Reads a UTF-8 file by lines. While lines are read it throws Failure `invalid`: reason `unreadable` when the file is
 * absent, no file, or breaks off, `bad_line` for a line over the limit.
 */
export function readLines(path: string): LineReader {
  let file: ReadStream | undefined;
  // Opened by the reader of the lines: a stream that nobody reads yet would throw its failure at nobody.
  async function* chunks(): AsyncGenerator<string> {
    file = createReadStream(path, 'utf8');
    try {
      yield* file;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : 'unknown error';
      throw new Failure('invalid', `cannot read ${path}: ${message}`, { reason: 'unreadable', cause });
    }
  }
  return { lines: split(path, chunks()), bytesRead: () => file?.bytesRead ?? 0 };
}

async function* split(path: string, chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (rest.length > maxLineLength) {
      throw new Failure('invalid', `${path} has a line of more than ${maxLineLength} characters`, {
        reason: 'bad_line',
      });
    }
  }
  if (rest !== '') yield rest;
}
