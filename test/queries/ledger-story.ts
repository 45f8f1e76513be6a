/**
 * Tells a ledger's story for tests of queries: changes and their times come in, events go out as the writer
 * would make them, and rows as the projections make them.
 */
import type pg from 'pg';
import { projections } from '../../projections/index.ts';
import { transaction } from '../../src/database/pool.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import { decideAll } from '../../src/domain/decide.ts';
import { type RecordedEvent, type Source, subjectOf } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { schemaVersionOf } from '../../src/domain/upcast.ts';
import { Failure } from '../../src/failure.ts';

/** A changeset to be. */
export interface Step {
  /** Epoch milliseconds of its recorded time; never before that of the step before. */
  readonly at: number;
  readonly changes: readonly AnyChange[];
  readonly actor?: string;
  readonly reason?: string;
  readonly source?: Source;
  readonly idempotency?: { readonly key: string; readonly bodyHash: string };
}

export const changesetIdOf = (place: number): string =>
  `01900000-0000-7000-8000-${String(place).padStart(12, '0')}`;

/**
 * The events of the steps; the n-th step (from 1) has `changesetIdOf(n)`. With `skipRefused` a refused step
 * leaves none.
 */
export function tell(ledger: string, steps: readonly Step[], skipRefused = false): readonly RecordedEvent[] {
  const state = new LiveState();
  const told: RecordedEvent[] = [];
  for (const [index, step] of steps.entries()) {
    const events = eventsOf(ledger, state, step, index + 1, skipRefused);
    for (const event of events) state.apply(event);
    told.push(...events);
  }
  return told;
}

/** The state as folded from the events up to a revision. */
export function foldTo(events: readonly RecordedEvent[], revision: number): LiveState {
  const state = new LiveState();
  for (const event of events.slice(0, revision)) state.apply(event);
  return state;
}

/** Writes the rows of every read model, and the checkpoints. */
export async function project(pool: pg.Pool, events: readonly RecordedEvent[]): Promise<void> {
  const last = events.at(-1);
  if (last === undefined) return;
  await transaction(pool, async (client) => {
    for (const projection of projections) {
      await projection.project(events, client);
      await client.query(
        `insert into projection_checkpoints (ledger, projection, version, revision, log_id, state, updated_at)
         values ($1, $2, $3, $4, 'test', 'running', now())`,
        [last.ledger, projection.name, projection.version, last.revision],
      );
    }
  });
}

/** Marks as scheduled just what was recorded before its start: as exact as a projection can be. */
export async function markScheduled(pool: pg.Pool, ledger: string): Promise<void> {
  await pool.query(
    `update assertions a set scheduled = a.effective_from > (h.event ->> 'recordedAt')::timestamptz
     from history h where a.ledger = $1 and h.ledger = a.ledger and h.revision = a.revision`,
    [ledger],
  );
}

function eventsOf(
  ledger: string,
  state: LiveState,
  step: Step,
  place: number,
  skipRefused: boolean,
): readonly RecordedEvent[] {
  const source = step.source ?? 'api';
  const decided = decideStep(state, step, source, skipRefused);
  return decided.map(({ body, revision, after }, index) => ({
    ...body,
    ledger,
    revision,
    schemaVersion: schemaVersionOf(body.type),
    subject: subjectOf(body),
    version: after.version,
    recordedAt: formatInstant(step.at),
    actor: { id: step.actor ?? 'ann', kind: 'api_key' },
    reason: step.reason ?? 'because',
    source,
    changesetId: changesetIdOf(place),
    last: index === decided.length - 1,
    requestId: `request-${place}`,
    ...(step.idempotency === undefined ? {} : { idempotency: step.idempotency }),
  }));
}

function decideStep(state: LiveState, step: Step, source: Source, skipRefused: boolean) {
  try {
    return decideAll(state, step.changes, step.at, source).events;
  } catch (error) {
    if (skipRefused && error instanceof Failure && error.code !== 'corrupt') return [];
    throw error;
  }
}
