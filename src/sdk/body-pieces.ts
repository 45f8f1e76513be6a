/**
 * The body of an answer, piece by piece. A body that says nothing for too long is given up, and so is one whose
 * reader goes away: no connection is left behind. Pieces that lie ready are handed out with pauses, so that reading a
 * large body holds up nobody.
 */
import { setImmediate as pause } from 'node:timers/promises';
import { Failure } from '../failure.ts';

export interface BodyOptions {
  /** Ends the request and its body. */
  readonly abort: AbortController;
  /** Longest silence, milliseconds. */
  readonly silenceMs: number;
  /** Longest wait for the first piece; `silenceMs` when absent. */
  readonly firstMs?: number;
  /** Milliseconds that never run backwards. */
  readonly elapsed: () => number;
}

/** How long the pieces of one go may take to be worked on before others have their turn. */
const sliceMs = 8;

/** Failures: unavailable when the body breaks off or says nothing (reason `silent`). */
export async function* bodyPieces(response: Response, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const { abort, silenceMs, firstMs = silenceMs, elapsed } = options;
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  if (reader === undefined) {
    abort.abort();
    return;
  }
  let isSilent = false;
  const giveUp = () => {
    isSilent = true;
    abort.abort();
  };
  let timer = setTimeout(giveUp, firstMs).unref();
  let sliceEnd = elapsed() + sliceMs;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      if (elapsed() > sliceEnd) {
        await pause();
        sliceEnd = elapsed() + sliceMs;
      }
      yield value;
      timer = setTimeout(giveUp, silenceMs).unref();
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    const message = isSilent ? 'the server said nothing for too long' : 'the connection broke off';
    throw new Failure('unavailable', message, { reason: isSilent ? 'silent' : 'cut_off', cause: error });
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
