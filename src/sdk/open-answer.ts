/**
 * An answer of the server whose body is read as it comes: a snapshot or a stream. In: a question; out: pieces, and what the
 * headers say of the server. Every answer tells the server's time.
 */
import { parseInstant } from '../domain/instant.ts';
import { Failure } from '../failure.ts';
import type { ApiClient, ApiRequest } from './api-client.ts';
import { bodyPieces } from './body-pieces.ts';
import type { VarveWaits } from './varve-parts.ts';

export interface ServerReadsOn {
  readonly api: ApiClient;
  readonly elapsed: () => number;
  readonly waits: VarveWaits;
  /** Patterns of the scopes that are asked for; undefined for all. */
  readonly scopes: string | undefined;
  /** The server's time, epoch milliseconds. */
  readonly onTime: (time: number) => void;
  /** What is held is the newest that the server knows; how old its news is where it says so, milliseconds. */
  readonly onFresh: (ageMs: number | undefined) => void;
  /** How long the server wants its clients to wait before they come again, milliseconds. */
  readonly onRetry: (ms: number) => void;
  /** Boundaries were crossed on the server. */
  readonly onActivation: () => void;
}

interface Opening {
  readonly request: ApiRequest;
  /** What the answer has to be; something in between may answer with a page of its own. */
  readonly mediaType: string;
  readonly firstMs: number;
  readonly signal: AbortSignal;
}

export interface Opened {
  readonly pieces: AsyncGenerator<Uint8Array>;
  /** The server's head; not a number when something in between has taken the header away. */
  readonly head: number;
  /** How old the server's own news was; undefined when it did not say. */
  readonly ageMs: number | undefined;
}

/** Opens a body that ends with `signal`, or when its reader ends it. */
export async function openAnswer(
  on: ServerReadsOn,
  { request, mediaType, firstMs, signal }: Opening,
): Promise<Opened> {
  const { elapsed, waits } = on;
  const abort = new AbortController();
  const end = () => abort.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  abort.signal.addEventListener('abort', () => signal.removeEventListener('abort', end));
  let response: Response;
  try {
    response = await on.api.open({ ...request, signal: abort.signal });
    checkMediaType(response, mediaType);
  } catch (error) {
    end();
    throw error;
  }
  const { headers } = response;
  const age = Number(headers.get('varve-age') ?? Number.NaN);
  const time = parseInstant(headers.get('varve-at') ?? '');
  if (time !== undefined) on.onTime(time);
  return {
    pieces: bodyPieces(response, { abort, elapsed, silenceMs: waits.silenceMs, firstMs }),
    head: Number(headers.get('varve-revision') ?? Number.NaN),
    ageMs: Number.isFinite(age) ? age * 1_000 : undefined,
  };
}

function checkMediaType({ headers }: Response, mediaType: string): void {
  if (headers.get('content-type')?.startsWith(mediaType) === true) return;
  throw new Failure('unavailable', 'something in between answered for the server', {
    reason: 'foreign_answer',
  });
}
