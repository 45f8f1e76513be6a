/**
 * The streams of the fake EventStoreDB, in memory, with the server's rules: expected revisions, idempotence by event id
 * only at the same expected revision, a largest append. Knows no gRPC.
 */

export interface FakeEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** A number is the revision of the stream's last event, from 0 on. */
export type Expected = number | 'any' | 'no_stream' | 'stream_exists';

export type Appended =
  | { readonly kind: 'appended'; readonly revision: number }
  /** -1: there is no such stream. */
  | { readonly kind: 'wrong_expected_version'; readonly current: number }
  | { readonly kind: 'too_large' };

export interface FakeStreams {
  readonly maxAppendBytes: number;
  append(stream: string, expected: Expected, events: readonly FakeEvent[]): Appended;
  /** Undefined: there is no such stream. */
  events(stream: string): readonly FakeEvent[] | undefined;
  names(): readonly string[];
  /** Calls back after each append; answers how to stop. */
  onAppend(listener: (stream: string) => void): () => void;
}

export function createFakeStreams(maxAppendBytes = 1024 * 1024): FakeStreams {
  const streams = new Map<string, FakeEvent[]>();
  const listeners = new Set<(stream: string) => void>();
  return {
    maxAppendBytes,
    append(stream, expected, events) {
      if (events.reduce((sum, event) => sum + sizeOf(event), 0) > maxAppendBytes)
        return { kind: 'too_large' };
      const held = streams.get(stream) ?? [];
      const again = repeated(held, expected, events);
      if (again !== undefined) return { kind: 'appended', revision: again };
      if (!stands(held, expected)) return { kind: 'wrong_expected_version', current: held.length - 1 };
      held.push(...events);
      streams.set(stream, held);
      for (const listener of listeners) listener(stream);
      return { kind: 'appended', revision: held.length - 1 };
    },
    events: (stream) => streams.get(stream),
    names: () => [...streams.keys()],
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** As the server counts: data, metadata, and the type in UTF-16. */
export function sizeOf({ data, metadata, type }: FakeEvent): number {
  return data.length + metadata.length + 2 * type.length;
}

function stands(held: readonly FakeEvent[], expected: Expected): boolean {
  if (expected === 'any') return true;
  if (expected === 'no_stream') return held.length === 0;
  if (expected === 'stream_exists') return held.length > 0;
  return held.length - 1 === expected;
}

/** The last revision of the same events where they would have gone, if they are there. */
function repeated(
  held: readonly FakeEvent[],
  expected: Expected,
  events: readonly FakeEvent[],
): number | undefined {
  const first = events[0];
  if (first === undefined || expected === 'stream_exists') return undefined;
  const at =
    expected === 'any'
      ? held.findIndex(({ id }) => id === first.id)
      : expected === 'no_stream'
        ? 0
        : expected + 1;
  const isThere = at >= 0 && events.every(({ id }, place) => held[at + place]?.id === id);
  return isThere ? at + events.length - 1 : undefined;
}
