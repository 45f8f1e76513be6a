/**
 * A provider's stream as events.
 */
import { EventMessages } from '../event-messages.ts';
import type { CallLimit } from './call-limit.ts';
import { readPieces } from './provider-http.ts';

/** So long a connection may take to end when the stream has: it can be used again then. */
const endingMs = 100;

/**
 * The events of a stream. Each piece begins the allowed silence anew; the time that the reader takes for itself is no
 * silence of the provider. Once `isOver` nothing more is read, and a connection that stays open is given up. Failures: as
 * the limit says.
 */
export async function* eventsOf(
  response: Response,
  provider: string,
  limit: CallLimit,
  isOver: () => boolean,
): AsyncGenerator<{ readonly event: string; readonly data: string }> {
  const messages = new EventMessages();
  let isEnding = false;
  try {
    for await (const piece of readPieces(response)) {
      if (isEnding) continue;
      limit.pause();
      for (const message of messages.feed(piece)) if (message.kind === 'message' && !isOver()) yield message;
      isEnding = isOver();
      if (isEnding) limit.shorten(endingMs);
      else limit.restart();
    }
    if (isEnding) return;
    // Some servers end without the empty line that ends an event.
    for (const message of messages.feed('\n\n')) if (message.kind === 'message') yield message;
  } catch (error) {
    if (!isEnding) throw limit.failure(error, provider);
  }
}
