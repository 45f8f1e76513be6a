/**
 * Question: what were these subjects at a moment, whatever they are about? A handful of index probes a subject.
 * Out: states that are good for looking at from that moment on (subject-view.ts): overrides have version 0 and only the
 * assertions that may still hold, models only such prices.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { keySubject, modelSubject, overrideSubject } from '../domain/event.ts';
import { evolve } from '../domain/evolve.ts';
import { splitOverride } from '../domain/live-state.ts';
import type { Moment } from '../domain/questions.ts';
import type { SubjectState } from '../domain/subject-state.ts';
import { assertionsOfPairs, groupByPair } from './assertions-at.ts';
import { definitionsAt, keyStateOf } from './definitions-at.ts';
import type { ModelRowState } from './models-at.ts';
import { pricesAt } from './prices-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

type States = readonly (readonly [subject: string, state: SubjectState])[];

/** By subject; those that were not there are left out. */
export async function subjectStatesAt(
  database: Database,
  ledger: string,
  moment: Moment,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, SubjectState>> {
  const names: Record<'override' | 'key' | 'model', string[]> = { override: [], key: [], model: [] };
  const others: string[] = [];
  for (const subject of subjects) {
    const colon = subject.indexOf(':');
    const kind = subject.slice(0, colon);
    if (kind === 'override' || kind === 'key' || kind === 'model') names[kind].push(subject.slice(colon + 1));
    else others.push(subject);
  }
  const states = await Promise.all([
    overridesAt(database, ledger, moment, names.override),
    keysAt(database, ledger, moment, names.key),
    modelsWithPricesAt(database, ledger, moment, names.model),
    othersAt(database, ledger, moment, others),
  ]);
  return new Map(states.flat());
}

async function overridesAt(
  database: Database,
  ledger: string,
  moment: Moment,
  names: readonly string[],
): Promise<States> {
  const pairs = names.map((name) => {
    const [key, scope] = splitOverride(name);
    return { key, scope };
  });
  const rows = await assertionsOfPairs(database, ledger, moment, pairs);
  return groupByPair(rows).map(({ key, scope, assertions }) => [
    overrideSubject(key, scope),
    { version: 0, assertions },
  ]);
}

async function keysAt(
  database: Database,
  ledger: string,
  { asOf }: Moment,
  keys: readonly string[],
): Promise<States> {
  if (keys.length === 0) return [];
  const rows = await definitionsAt(database, ledger, asOf, keys);
  return rows.map((row) => [keySubject(row.key), keyStateOf(row)]);
}

const models = {
  name: 'models_known',
  text: `select known.state from unnest((select $3::text[])) as wanted (id)
    cross join lateral (
      select v.state from models v
      where v.ledger = $1 and v.id = wanted.id and v.revision <= (select $2::bigint)
      order by v.revision desc limit 1
    ) as known`,
};

async function modelsWithPricesAt(
  database: Database,
  ledger: string,
  moment: Moment,
  ids: readonly string[],
): Promise<States> {
  if (ids.length === 0) return [];
  const [rows, prices] = await Promise.all([
    rowsOf<{ state: ModelRowState }>(database, models, [ledger, moment.asOf, ids]),
    pricesAt(database, ledger, moment, ids),
  ]);
  return rows.map(({ state }) => [modelSubject(state.id), { ...state, prices: prices.get(state.id) ?? [] }]);
}

/** What a tag, an API key or a ledger can go through: it is made, and a key is revoked. */
const maxEventsOfOthers = 2;

const events = {
  name: 'events_of_subjects_between',
  text: `select told.event
    from unnest((select $3::text[])) as wanted (subject)
    cross join lateral (
      select h.revision, h.event from history h
      where h.ledger = $1 and h.subject = wanted.subject and -h.revision >= -(select $2::bigint)
      order by -h.revision desc limit $4
    ) as told
    order by told.revision`,
};

/** Subjects without a table of their own: the fold of their one or two events. */
async function othersAt(
  database: Database,
  ledger: string,
  { asOf }: Moment,
  subjects: readonly string[],
): Promise<States> {
  if (subjects.length === 0) return [];
  const values = [ledger, asOf, subjects, maxEventsOfOthers];
  const states = new Map<string, SubjectState>();
  for (const { event } of await rowsOf<{ event: RecordedEvent }>(database, events, values)) {
    states.set(event.subject, evolve(states.get(event.subject), event));
  }
  return [...states];
}
