-- Indexes in the shapes that src/queries/ asks for. Each row of assertions still stands in as few indexes as
-- before.

-- Among the starts after the recorded time of a revision, everything that was known at that revision was
-- scheduled: with this flag an old asOf never walks over what came later (a scope changed 500,000 times,
-- asked in its middle, would).
alter table assertions add column scheduled boolean not null default true;
comment on column assertions.scheduled is
  'Whether it was recorded before its start; true is always right, false makes reading fast.';

-- The last start without an end bounds what a reader must look at; what has an end is rare and tells its end
-- in the index.
drop index assertions_lookup;
create index assertions_endless on assertions (ledger, key, scope, effective_from desc, revision desc)
  where effective_until is null;
create index assertions_ending
  on assertions (ledger, key, scope, effective_from desc, revision desc, effective_until)
  where effective_until is not null;
create index assertions_scheduled on assertions (ledger, key, scope, effective_from, revision)
  where scheduled;

-- Subjects are listed by prefix, which only code-point order makes a range.
alter table subjects alter column subject type text collate "C";

create index key_definitions_current on key_definitions (ledger, key) where until_revision is null;

-- Ordered by -revision, so that the primary key cannot offer the same order: the planner would take it for a
-- frequent actor and read millions of rows to find that his last event is years old.
drop index history_by_subject, history_by_key, history_by_scope, history_by_actor, history_by_type;
create index history_by_subject on history (ledger, subject, (-revision));
create index history_by_key on history (ledger, key, (-revision)) where key is not null;
create index history_by_scope on history (ledger, scope, (-revision)) where scope is not null;
create index history_by_actor on history (ledger, actor, (-revision));
create index history_by_type on history (ledger, type, (-revision));
