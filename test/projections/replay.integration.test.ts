/**
 * A projection is disposable (product.md, rule 5), on random histories: what the rows are depends on the log alone,
 * not on when, how often and in which batches it was read; and as of every changeset they say what a fold that is cut
 * off there says.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inForce } from '../../src/domain/assertion.ts';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { fieldChanges } from '../../src/domain/field-changes.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { isEqual } from '../../src/domain/replay-questions.ts';
import type { ModelState, SubjectState } from '../../src/domain/subject-state.ts';
import { decodeEvent, encodeEvent } from '../../src/ledger/event-codec.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type History, histories } from '../support/histories.ts';
import {
  emptyReadModels,
  inBites,
  logOf,
  projectAll,
  rebuildFromElsewhere,
  rowsOfReadModels,
} from '../support/read-models.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const runs = { numRuns: 25 };

test('making every read model again beside the old rows gives equal rows', async () => {
  await fc.assert(
    fc.asyncProperty(histories(), async (history) => {
      const { pool } = database;
      await emptyReadModels(pool);
      const log = await logOf(history);
      await projectAll(pool, log);
      const live = await rowsOfReadModels(pool);
      expect(live['history']).toHaveLength(history.flat().length);

      const compared = await rebuildFromElsewhere(database, log);

      expect(compared.notCompared).toEqual([]);
      expect(compared.tables.filter((table) => !isEqual(table))).toEqual([]);
      expect(await rowsOfReadModels(pool)).toEqual(live);
    }),
    // Each makes and drops every table.
    { numRuns: 5 },
  );
});

test('the batches that the log is read in make no difference', async () => {
  await fc.assert(
    fc.asyncProperty(histories(), fc.integer({ min: 1, max: 12 }), async (history, bite) => {
      const { pool } = database;
      const log = await logOf(history);
      await emptyReadModels(pool);
      await projectAll(pool, log);
      const atOnce = await rowsOfReadModels(pool);

      await emptyReadModels(pool);
      await projectAll(pool, inBites(log, bite));

      expect(await rowsOfReadModels(pool)).toEqual(atOnce);
    }),
    runs,
  );
});

test('the subjects and the history are the domain’s own fold', async () => {
  await fc.assert(
    fc.asyncProperty(histories(), async (history) => {
      const { pool } = database;
      await emptyReadModels(pool);
      await projectAll(pool, await logOf(history));

      const states = new Map<string, SubjectState>();
      // As they come out of the log: its canonical order of members is the order of the changes.
      const events = history.flat().map((event) => decodeEvent(encodeEvent(event)));
      const expected = events.map((event) => {
        const before = states.get(event.subject);
        const after = evolve(before, event);
        states.set(event.subject, after);
        return { event, changes: fieldChanges(before, after, event) };
      });

      const found = await pool.query('select event, changes from history order by revision');
      expect(found.rows).toEqual(asJson(expected));
      const marked = await pool.query(
        `select a.revision from assertions a join history h using (ledger, revision)
          where a.scheduled <> (a.effective_from > (h.event ->> 'recordedAt')::timestamptz)`,
      );
      expect(marked.rows).toEqual([]);
      const subjects = await pool.query<{ subject: string; state: unknown }>(
        'select subject, state from subjects',
      );
      const rows = new Map(subjects.rows.map(({ subject, state }) => [subject, state]));
      expect(rows).toEqual(new Map([...states].map(([subject, state]) => [subject, asJson(state)])));
    }),
    runs,
  );
});

test('as of every changeset the rows say what a fold cut off there says', async () => {
  await fc.assert(
    fc.asyncProperty(histories(15), async (history) => {
      await emptyReadModels(database.pool);
      await projectAll(database.pool, await logOf(history));

      const state = new LiveState();
      for (const changeset of history) {
        for (const event of changeset) state.apply(event);
        expect(await keysAsOf(state.revision)).toEqual(
          asJson([...state.keys()].map((key) => [key.definition, key.version, key.retired]).sort(byText)),
        );
        expect(await modelsAsOf(state.revision)).toEqual(
          asJson([...state.models()].map(withoutPrices).sort(byText)),
        );
        // The live state answers from its head's recorded time on: now, and when what is scheduled has started.
        for (const at of [0, 30, 110].map((hours) => state.recordedAt + hours * 3_600_000)) {
          expect(await assertionsInForce(state.revision, at)).toEqual(overridesInForce(state, at));
          expect(await pricesInForce(state.revision, at)).toEqual(modelPricesInForce(state, at));
        }
      }
    }),
    { numRuns: 15 },
  );
});

test('a changeset, a tag and a price have one row each', async () => {
  await fc.assert(
    fc.asyncProperty(histories(), async (history) => {
      const { pool } = database;
      await emptyReadModels(pool);
      await projectAll(pool, await logOf(history));

      const changesets = await pool.query(
        `select changeset_id as id, first_revision as first, last_revision as last, recorded_at as at, actor, via,
                reason, source, request_id as request, undoes, idempotency_key as key, body_hash as hash
           from changesets order by last_revision`,
      );
      expect(changesets.rows).toEqual(history.map(changesetRowOf));
      const tags = await pool.query(
        'select name, revision, tagged_by, tagged_at from tags order by tagged_by',
      );
      expect(tags.rows).toEqual(history.flat().flatMap(tagRowOf));
      const prices = await pool.query(
        'select revision, model_id as id, kind, pricing, source, corrects from prices order by revision',
      );
      expect(prices.rows).toEqual(history.flat().flatMap(priceRowOf));
    }),
    runs,
  );
});

function changesetRowOf(changeset: History[number]): unknown {
  const [first, last] = [changeset[0], changeset.at(-1)];
  if (first === undefined || last === undefined) throw new Error('an empty changeset');
  return {
    id: last.changesetId,
    first: first.revision,
    last: last.revision,
    at: Date.parse(last.recordedAt),
    actor: last.actor.id,
    via: last.actor.via ?? null,
    reason: last.reason,
    source: last.source,
    request: last.requestId,
    undoes: last.undoes ?? null,
    key: last.idempotency?.key ?? null,
    hash: last.idempotency?.bodyHash ?? null,
  };
}

function tagRowOf(event: RecordedEvent): readonly unknown[] {
  if (event.type !== 'RevisionTagged') return [];
  const { name, revision } = event.data;
  return [{ name, revision, tagged_by: event.revision, tagged_at: Date.parse(event.recordedAt) }];
}

function priceRowOf({ revision, type, data }: RecordedEvent): readonly unknown[] {
  const row = { revision, source: null, corrects: null };
  switch (type) {
    case 'ModelAdded':
      return data.pricing === undefined
        ? []
        : [{ ...row, id: data.id, kind: 'added', pricing: data.pricing }];
    case 'ModelPriceChanged':
      return [{ ...row, id: data.id, kind: 'changed', pricing: data.pricing, source: data.source ?? null }];
    case 'ModelPriceCorrected': {
      const { id, pricing, source = null, corrects } = data;
      return [{ ...row, id, kind: 'corrected', pricing, source, corrects }];
    }
    default:
      return [];
  }
}

async function keysAsOf(revision: number): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<{ definition: unknown; version: number; retired: boolean }>(
    `select definition, version, retired from key_definitions
      where revision <= $1 and (until_revision is null or until_revision > $1)`,
    [revision],
  );
  return rows.map(({ definition, version, retired }) => [definition, version, retired]).sort(byText);
}

async function modelsAsOf(revision: number): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<{ state: unknown }>(
    'select state from models where revision <= $1 and (until_revision is null or until_revision > $1)',
    [revision],
  );
  return rows.map(({ state }) => state).sort(byText);
}

/** By the rule of product.md, in SQL: of those that cover the moment, the one that starts last, then the higher revision. */
async function assertionsInForce(revision: number, at: number): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<{ key: string; scope: string; kind: string; value: unknown }>(
    `select distinct on (key, scope) key, scope, revision, kind, value from assertions
      where revision <= $1 and (withdrawn_by is null or withdrawn_by > $1)
        and effective_from <= $2 and (effective_until is null or effective_until > $2)
      order by key, scope, effective_from desc, revision desc`,
    [revision, new Date(at)],
  );
  return rows.sort(byText);
}

function overridesInForce(state: LiveState, at: number): readonly unknown[] {
  const found: unknown[] = [];
  for (const key of state.slots.keys()) {
    for (const [scope, { assertions }] of state.overridesOf(key)) {
      const winner = inForce(assertions, at);
      if (winner === undefined) continue;
      found.push({ key, scope, revision: winner.revision, kind: winner.kind, value: asJson(winner.value) });
    }
  }
  return found.sort(byText);
}

async function pricesInForce(revision: number, at: number): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query(
    `select distinct on (model_id) model_id as id, revision, pricing from prices
      where revision <= $1 and effective_from <= $2 and (effective_until is null or effective_until > $2)
      order by model_id, effective_from desc, revision desc`,
    [revision, new Date(at)],
  );
  return rows.sort(byText);
}

function modelPricesInForce(state: LiveState, at: number): readonly unknown[] {
  const found = [...state.models()].flatMap(({ id, prices }) => {
    const price = inForce(prices, at);
    return price === undefined ? [] : [{ id, revision: price.revision, pricing: price.pricing }];
  });
  return found.sort(byText);
}

function withoutPrices({ prices: _, ...state }: ModelState): unknown {
  return state;
}

function asJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value));
}

/** Canonical text, because what comes out of the log has its members in another order than what went in. */
function byText(a: unknown, b: unknown): number {
  const [left, right] = [canonicalJson([asJson(a)]), canonicalJson([asJson(b)])];
  return left < right ? -1 : Number(left > right);
}
