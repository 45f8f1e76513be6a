/**
 * The parser of server-sent events: however a text is cut, the same messages come out, and they are those that the
 * parser of the npm package eventsource-parser finds.
 */
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventMessages, type StreamMessage } from '../../src/sdk/event-messages.ts';

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const words = fc.string({ maxLength: 8, unit: fc.constantFrom('a', ' ', ':', 'é', '🙂', '\uFEFF', '0') });
const line = fc.oneof(
  { weight: 3, arbitrary: words.map((text) => `data: ${text}`) },
  { weight: 1, arbitrary: words.map((text) => `data:${text}`) },
  fc.constantFrom('data', 'event', 'id', 'retry: 5', 'retry: x', 'retry', 'unknown: 1', ':', ': alive'),
  words.map((text) => `event: ${text}`),
  words.map((text) => `id: ${text}`),
  words.map((text) => `:${text}`),
  { weight: 4, arbitrary: fc.constant('') },
);
const text = fc
  .array(fc.tuple(line, lineEnd), { maxLength: 20 })
  .map((lines) => lines.map(([words, end]) => words + end).join(''));

function parsed(pieces: readonly string[]): StreamMessage[] {
  const messages = new EventMessages();
  return pieces.flatMap((piece) => [...messages.feed(piece)]);
}

function cut(whole: string, places: readonly number[]): readonly string[] {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => whole.slice(start, at[index] ?? whole.length));
}

test('wherever a text is cut, the same messages come out', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 12 }), (whole, places) => {
      const pieces = cut(whole, places);
      expect(pieces.join('')).toBe(whole);
      expect(parsed(pieces)).toEqual(parsed([whole]));
      expect(parsed(whole.split(''))).toEqual(parsed([whole]));
    }),
    { numRuns: 500 },
  );
});

test('messages are those that another parser finds', () => {
  fc.assert(
    fc.property(text, (whole) => {
      const found: unknown[] = [];
      const parser = createParser({
        onEvent: ({ event = 'message', data }) => found.push({ event, data }),
        onRetry: (ms) => found.push({ ms }),
        onComment: (comment) => found.push({ comment }),
      });
      // It keeps a return at the very end back until it knows what comes after it.
      parser.feed(`${whole}\n\n`);
      const own = parsed([`${whole}\n\n`]).map((message) => {
        if (message.kind === 'message') return { event: message.event, data: message.data };
        return message.kind === 'retry' ? { ms: message.ms } : { comment: message.text };
      });
      expect(own).toEqual(found);
    }),
    { numRuns: 500 },
  );
});

test('a message without an end is given up', () => {
  const messages = new EventMessages();
  const piece = 'x'.repeat(1_000_000);
  const endless = () => {
    for (let count = 0; count < 100; count++)
      for (const _ of messages.feed(piece)) throw new Error('no message');
  };
  expect(endless).toThrow('has no end');
});
