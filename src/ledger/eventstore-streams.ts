/**
 * Streams of an EventStoreDB as the engine uses them: what eventstore-client.ts makes of the server's client, without a
 * word of that client. Revisions count from 1, as everywhere in Varve.
 */

/** An event as a stream takes it. */
export interface ProposedEvent {
  /** A UUID: the same event has the same one, so that it is not appended twice after the same revision. */
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  /** Canonical JSON. */
  readonly metadata: string;
}

/** An event as a stream gives it back. */
export interface StreamEvent {
  readonly id: string;
  /** From 1 on. */
  readonly revision: number;
  readonly data: Uint8Array;
  /** Parsed JSON. */
  readonly metadata: unknown;
}

export interface StreamListener {
  /** The stream holds this revision. */
  readonly onRevision: (revision: number) => void;
  /** The server takes part from here on: what grew before has to be looked for. */
  readonly onOpen: () => void;
  /** It is over, for whatever reason, or for none that anybody said; told once. */
  readonly onEnd: () => void;
}

export interface Streams {
  /**
   * Appends all or nothing after a revision (0: the stream is not there yet). `elsewhere`: the stream stood at another
   * revision. Failures: `unavailable` with reason `outcome_unknown`, or `log_not_leader` when nothing happened and another
   * node is asked the next time; `refused`, reason `changeset_too_large`; `corrupt` for a stream that was deleted.
   */
  append(stream: string, after: number, events: readonly ProposedEvent[]): Promise<'appended' | 'elsewhere'>;
  /** Its last event, as the leader knows it; undefined when there is no such stream. Failure `unavailable`. */
  last(stream: string): Promise<StreamEvent | undefined>;
  /** Exactly `count` events after a revision that are there, fewer only once they exceed `maxBytes`. Failure `unavailable`. */
  read(stream: string, after: number, count: number, maxBytes: number): Promise<readonly StreamEvent[]>;
  /** Listens to what comes after a revision; answers how to stop, after which nothing more is told. */
  listen(stream: string, after: number, listener: StreamListener): () => void;
  /** Ends every call. */
  close(): Promise<void>;
}
