/**
 * Words that the statements about overrides' assertions share. In all of them the table is called `a`, and `clock` has
 * `as_of`, the revision as known at which they answer.
 */

export const assertionColumns = 'a.revision, a.kind, a.value, a.effective_from, a.effective_until';

/** Known and not taken back at asOf. */
export const knownAtAsOf =
  'a.revision <= clock.as_of and (a.withdrawn_by is null or a.withdrawn_by > clock.as_of)';

/**
 * When revision $2 of ledger $1 was recorded: what starts after that was known then only if it was scheduled. Where the
 * revision has no event it is infinity, which is right as well and only slower.
 */
export const recordedAtOfAsOf = `coalesce(
    (select (h.event ->> 'recordedAt')::timestamptz from history h
      where h.ledger = $1 and h.revision = $2), 'infinity'
  )`;
