/**
 * A provider's stream as events.
 */
import { EventMessages } from '../event-messages.ts';
import type { CallLimit } from './call-limit.ts';
import { readPieces } from './provider-http.ts';

/** The events of a stream; each piece of it begins the allowed silence anew. Failures: as the limit says. */
export async function* eventsOf(
  response: Response,
  provider: string,
  limit: CallLimit,
): AsyncGenerator<{ readonly event: string; readonly data: string }> {
  const messages = new EventMessages();
  try {
    for await (const piece of readPieces(response)) {
      limit.restart();
      for (const message of messages.feed(piece)) if (message.kind === 'message') yield message;
    }
    // Some servers end without the empty line that ends an event.
    for (const message of messages.feed('\n\n')) if (message.kind === 'message') yield message;
  } catch (error) {
    throw limit.failure(error, provider);
  }
}
