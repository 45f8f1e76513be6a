/**
 * Server-sent events out of pieces of text (WHATWG HTML, 9.2.6): lines end in LF, CR or CRLF, an empty one ends an event.
 */
import { Failure } from '../../failure.ts';

export interface SseEvent {
  /** `message` when none is named. */
  readonly event: string;
  readonly data: string;
}

export interface SseParser {
  /** The events that a piece completes. Failures: unavailable, for an event that is longer than 8 MiB. */
  push(text: string): readonly SseEvent[];
  /** What the stream's end completes: a last event without its empty line. Strictly it would be dropped; some servers end so. */
  end(): readonly SseEvent[];
}

/** The longest event, in UTF-16 units. */
const maxLength = 8 * 1_024 * 1_024;

export function createSseParser(): SseParser {
  let rest = '';
  let event = '';
  let data: string[] = [];
  let length = 0;
  const flush = (): readonly SseEvent[] => {
    const events = data.length === 0 ? [] : [{ event: event === '' ? 'message' : event, data: data.join('\n') }];
    event = '';
    data = [];
    length = 0;
    return events;
  };
  const take = (line: string): readonly SseEvent[] => {
    if (line === '') return flush();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
    length += line.length;
    return [];
  };
  return {
    push: (text) => {
      rest += text;
      if (length + rest.length > maxLength && !/[\r\n]/.test(rest)) throw tooLong();
      // A carriage return at the very end may be the half of a line's end.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      const events = lines.flatMap(take);
      if (length + rest.length > maxLength) throw tooLong();
      return events;
    },
    end: () => {
      const last = rest.replace(/\r$/, '');
      rest = '';
      return [...(last === '' ? [] : take(last)), ...flush()];
    },
  };
}

function tooLong(): Failure {
  return new Failure('unavailable', `an event of the stream is longer than ${maxLength} characters`, {
    reason: 'answer_too_large',
  });
}
