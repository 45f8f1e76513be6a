/**
 * Question: what held in these places at these moments, as known at a revision? Each place with a moment of its own: the
 * override of a key and scope, the price of a model. One statement for each, a few index probes a place.
 */
import { formatInstant } from '../domain/instant.ts';
import type { OverrideAssertion, PriceAssertion } from '../domain/subject-state.ts';
import { assertionColumns as columns, knownAtAsOf, recordedAtOfAsOf } from './assertion-words.ts';
import { type AssertionRow, assertionOfRow, type KeyAndScope } from './assertions-at.ts';
import { type PriceRow, priceOfRow } from './prices-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface Asked {
  /** Epoch milliseconds. */
  readonly at: number;
}

const known = `a.ledger = $1 and a.key = wanted.key and a.scope = wanted.scope
  and ${knownAtAsOf}`;

const newest = 'order by a.effective_from desc, a.revision desc limit 1';

// What starts after asOf was recorded was known then only if it was scheduled (see assertions-at.ts).
const overrides = {
  name: 'overrides_in_force',
  text: `with clock as materialized (
      select $2::bigint as as_of, ${recordedAtOfAsOf} as known_at
    )
    select wanted.place::int, a.revision, a.kind, a.value, a.effective_from, a.effective_until
    from unnest((select $3::text[]), (select $4::text[]), (select $5::timestamptz[]))
      with ordinality as wanted (key, scope, at, place)
    cross join clock
    left join lateral (
      select ${columns} from assertions a
      where ${known} and a.effective_until is null and a.effective_from <= least(wanted.at, clock.known_at)
      ${newest}
    ) as base on true
    cross join lateral (
      (select base.revision, base.kind, base.value, base.effective_from, base.effective_until
        where base.revision is not null)
      union all
      (select ${columns} from assertions a
        where ${known} and a.effective_until is not null and a.effective_until > wanted.at
          and a.effective_from <= least(wanted.at, clock.known_at)
          and a.effective_from >= coalesce(base.effective_from, '-infinity')
        ${newest})
      union all
      (select ${columns} from assertions a
        where ${known} and a.scheduled and a.effective_from > clock.known_at and a.effective_from <= wanted.at
          and (a.effective_until is null or a.effective_until > wanted.at)
        ${newest})
      order by effective_from desc, revision desc limit 1
    ) as a
    order by wanted.place`,
};

/** In the order of the places; undefined where nothing holds. */
export async function overridesInForce(
  database: Database,
  ledger: string,
  asOf: number,
  places: readonly (KeyAndScope & Asked)[],
): Promise<readonly (OverrideAssertion | undefined)[]> {
  if (places.length === 0) return [];
  const keys = places.map(({ key }) => key);
  const scopes = places.map(({ scope }) => scope);
  const rows = await rowsOf<AssertionRow & { readonly place: number }>(database, overrides, [
    ledger,
    asOf,
    keys,
    scopes,
    places.map(({ at }) => formatInstant(at)),
  ]);
  const found = new Map(rows.map((row) => [row.place, assertionOfRow(row)]));
  return places.map((_, index) => found.get(index + 1));
}

const prices = {
  name: 'prices_in_force',
  text: `select wanted.place::int, p.revision, p.pricing, p.effective_from, p.effective_until
    from unnest((select $3::text[]), (select $4::timestamptz[])) with ordinality as wanted (id, at, place)
    cross join lateral (
      select p.revision, p.pricing, p.effective_from, p.effective_until from prices p
      where p.ledger = $1 and p.model_id = wanted.id and p.revision <= (select $2::bigint)
        and p.effective_from <= wanted.at and (p.effective_until is null or p.effective_until > wanted.at)
      order by p.effective_from desc, p.revision desc
      limit 1
    ) as p
    order by wanted.place`,
};

/** In the order of the places; undefined where no price holds. */
export async function pricesInForce(
  database: Database,
  ledger: string,
  asOf: number,
  places: readonly (Asked & { readonly model: string })[],
): Promise<readonly (PriceAssertion | undefined)[]> {
  if (places.length === 0) return [];
  const rows = await rowsOf<PriceRow & { readonly place: number }>(database, prices, [
    ledger,
    asOf,
    places.map(({ model }) => model),
    places.map(({ at }) => formatInstant(at)),
  ]);
  const found = new Map(rows.map((row) => [row.place, priceOfRow(row)]));
  return places.map((_, index) => found.get(index + 1));
}
