-- Indexes by the effective clock: what starts, ends or retires in a stretch of time, whatever it is about.
-- A row that starts when it is recorded and has no end, as nearly every one does, stands in none of those of assertions.

-- Key and scope stand behind the order, so that a filter on them is tested in the index and not in the table; the
-- revision does the same for an old asOf, which walks over what came later.
create index assertions_starting on assertions (ledger, effective_from, revision, key, scope)
  where scheduled;
create index assertions_until on assertions (ledger, effective_until, revision, key, scope)
  where effective_until is not null;

-- A price has no flag that says whether it was known before its start: prices are few, and most are looked for from
-- now on, where all of them were.
create index prices_starting on prices (ledger, effective_from, revision, model_id);
create index prices_until on prices (ledger, effective_until, revision, model_id)
  where effective_until is not null;

-- Every version that says so, not only the current ones: an old asOf asks for the version of its time.
create index models_sunset on models (ledger, ((state ->> 'sunsetAt')::bigint), id, revision)
  where status = 'deprecated' and state ->> 'sunsetAt' is not null;
