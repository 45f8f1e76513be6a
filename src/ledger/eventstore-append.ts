/**
 * An append to a stream whose outcome is known as often as it can be: tried again with the same event ids, and at last looked
 * for in the stream. In: events after a revision; out: whether they stand there, or that nobody knows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import type { ProposedEvent, Streams } from './eventstore-streams.ts';

export type AppendOutcome = 'appended' | 'elsewhere';

const maxTries = 3;
const firstPauseMs = 50;

/**
 * At most three tries, all or nothing each. Failures as those of `Streams.append`; `outcome_unknown` only while the events
 * may still come.
 */
export async function appendSurely(
  streams: Streams,
  stream: string,
  after: number,
  events: readonly ProposedEvent[],
): Promise<AppendOutcome> {
  let failure: Failure | undefined;
  for (let tries = 0; tries < maxTries; tries += 1) {
    if (tries > 0) await sleep(firstPauseMs * 4 ** (tries - 1), undefined, { ref: false });
    try {
      const outcome = await streams.append(stream, after, events);
      if (outcome === 'appended' || failure?.reason !== 'outcome_unknown') return outcome;
      // The server knows our events again only where it looks for them: that they do not stand there is looked up.
      return (await lookUp(streams, stream, after, events)) ?? outcome;
    } catch (error) {
      if (!isWorthRepeating(error)) throw error;
      if (failure?.reason !== 'outcome_unknown') failure = error;
    }
  }
  const found = await lookUp(streams, stream, after, events);
  if (found !== undefined) return found;
  throw failure ?? new Error('an append was tried without an outcome');
}

/**
 * What came of an append of which nothing was heard; undefined while it may still come, or nobody says. Failure `corrupt`,
 * reason `torn_append`, should the server ever keep a part of one.
 */
async function lookUp(
  streams: Streams,
  stream: string,
  after: number,
  events: readonly ProposedEvent[],
): Promise<AppendOutcome | undefined> {
  const idAt = async (revision: number) => (await streams.read(stream, revision - 1, 1, 1))[0]?.id;
  try {
    const last = await streams.last(stream);
    if (last === undefined || last.revision <= after) return undefined;
    if ((await idAt(after + 1)) !== events[0]?.id) return 'elsewhere';
    const end = after + events.length;
    if (last.revision >= end && (await idAt(end)) === events.at(-1)?.id) return 'appended';
  } catch {
    return undefined;
  }
  throw new Failure('corrupt', `the log holds a part of an append after revision ${after}`, {
    reason: 'torn_append',
  });
}

function isWorthRepeating(error: unknown): error is Failure {
  return (
    error instanceof Failure && (error.reason === 'outcome_unknown' || error.reason === 'log_not_leader')
  );
}
