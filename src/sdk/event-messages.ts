/**
 * Server-sent events from text as it comes in, cut anywhere (HTML, 9.2.6, "Interpreting an event stream").
 * In: pieces of text; out: messages, comments and waits, each as soon as its last character is there.
 */
import { Failure } from '../failure.ts';

export type StreamMessage =
  | { readonly kind: 'message'; readonly event: string; readonly id: string; readonly data: string }
  | { readonly kind: 'comment'; readonly text: string }
  /** How long to wait before coming again, milliseconds. */
  | { readonly kind: 'retry'; readonly ms: number };

/** No message of ours comes near; whoever sends more sends something else. */
const maxLength = 32 * 1024 * 1024;

const lineEnd = /[\r\n]/g;

export class EventMessages {
  /** Pieces of the line that has begun. */
  #begun: string[] = [];
  #length = 0;
  /** Whether the last line ended in a carriage return, so that a line feed right after it ends nothing. */
  #isAfterReturn = false;
  #isFirstLine = true;
  #event = '';
  #id = '';
  #data: string[] = [];

  /** Messages that a piece of text completes. Failures: corrupt when one has no end. */
  *feed(text: string): Generator<StreamMessage> {
    let start = 0;
    if (this.#isAfterReturn && text.length > 0) {
      this.#isAfterReturn = false;
      if (text.startsWith('\n')) start = 1;
    }
    for (;;) {
      lineEnd.lastIndex = start;
      const found = lineEnd.exec(text);
      if (found === null) break;
      const end = found.index;
      this.#begun.push(text.slice(start, end));
      start = end + 1;
      if (found[0] === '\r') {
        if (start === text.length) this.#isAfterReturn = true;
        else if (text[start] === '\n') start += 1;
      }
      const message = this.#line(this.#begun.join(''));
      this.#begun = [];
      if (message !== undefined) yield message;
    }
    if (start < text.length) this.#begun.push(text.slice(start));
    this.#length += text.length;
    if (this.#length > maxLength) {
      throw new Failure('corrupt', 'a message of the stream has no end', { reason: 'bad_stream' });
    }
  }

  #line(raw: string): StreamMessage | undefined {
    const line = this.#isFirstLine && raw.startsWith('\uFEFF') ? raw.slice(1) : raw;
    this.#isFirstLine = false;
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return { kind: 'comment', text: line.slice(line[1] === ' ' ? 2 : 1) };
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) return { kind: 'retry', ms: Number(value) };
    return undefined;
  }

  /** An empty line ends a message; one without data is none. */
  #dispatch(): StreamMessage | undefined {
    const event = this.#event === '' ? 'message' : this.#event;
    const data = this.#data;
    this.#event = '';
    this.#data = [];
    this.#length = 0;
    return data.length === 0 ? undefined : { kind: 'message', event, id: this.#id, data: data.join('\n') };
  }
}
