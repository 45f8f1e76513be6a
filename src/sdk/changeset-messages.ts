/**
 * Messages of the stream's view `values` put together to whole changesets. In: messages in order of revision, which may
 * begin inside a changeset that is known already; out: a changeset when its last message is there.
 */

import type { ValuesEvent } from '../domain/values-view.ts';
import { Failure } from '../failure.ts';
import type { ValuesChangeset } from './apply-changeset.ts';

type Moved = Pick<ValuesEvent, 'revision' | 'recordedAt' | 'last'>;

/** A changeset has at most 10,000 changes, each at most a handful of events. */
const maxEvents = 200_000;

export class ChangesetMessages {
  #events: ValuesEvent[] = [];
  #revision: number;

  /** `revision`: the last one that is known already. */
  constructor(revision: number) {
    this.#revision = revision;
  }

  /** An event, by its JSON text. Answers the changeset that it completes. Failures: corrupt. */
  event(text: string): ValuesChangeset | undefined {
    const event = readMessage<ValuesEvent>(text);
    if (!this.#isNew(event)) return undefined;
    if (typeof event.subject !== 'string' || typeof event.type !== 'string') throw badMessage();
    this.#events.push(event);
    if (this.#events.length > maxEvents) throw badMessage();
    return event.last ? this.#whole(event) : undefined;
  }

  /** A message that only moves the revision on. */
  moved(text: string): ValuesChangeset | undefined {
    const moved = readMessage<Moved>(text);
    return this.#isNew(moved) ? this.#whole(moved) : undefined;
  }

  #isNew({ revision }: Moved): boolean {
    const before = this.#events.at(-1)?.revision ?? this.#revision;
    if (revision > before) return true;
    // What is known already may come again; what has come on this connection may not.
    if (this.#events.length > 0) throw badMessage();
    return false;
  }

  #whole({ revision, recordedAt }: Moved): ValuesChangeset {
    const events = this.#events;
    this.#events = [];
    this.#revision = revision;
    return { revision, recordedAt, events };
  }
}

function readMessage<M extends Moved>(text: string): M {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badMessage(cause);
  }
  if (typeof value !== 'object' || value === null) throw badMessage();
  const message = value as M;
  const { revision, recordedAt, last } = message;
  const isMoved =
    Number.isSafeInteger(revision) && typeof recordedAt === 'string' && typeof last === 'boolean';
  if (!isMoved) throw badMessage();
  return message;
}

function badMessage(cause?: unknown): Failure {
  return new Failure('corrupt', 'the stream holds what is no message of it', {
    reason: 'bad_stream',
    cause,
  });
}
