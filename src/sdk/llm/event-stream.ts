/**
 * A provider's stream as events.
 */
import { EventMessages } from '../event-messages.ts';
import type { CallLimit } from './call-limit.ts';
import { readPieces } from './provider-http.ts';

/**
 * The events of a stream. Each piece begins the allowed silence anew; the time that the reader takes for itself is no
 * silence of the provider. Failures: as the limit says.
 */
export async function* eventsOf(
  response: Response,
  provider: string,
  limit: CallLimit,
): AsyncGenerator<{ readonly event: string; readonly data: string }> {
  const messages = new EventMessages();
  try {
    for await (const piece of readPieces(response)) {
      limit.stop();
      for (const message of messages.feed(piece)) if (message.kind === 'message') yield message;
      limit.restart();
    }
    // Some servers end without the empty line that ends an event.
    for (const message of messages.feed('\n\n')) if (message.kind === 'message') yield message;
  } catch (error) {
    throw limit.failure(error, provider);
  }
}
