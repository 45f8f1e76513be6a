-- Operational table: which processes hold the ledger's values, and how far each of them is. Neither in the ledger nor made
-- from it, and never dropped by a rebuild: what a process has applied is known to that process alone.

create table consumers (
  ledger text not null,
  client text collate "C" not null,
  instance text collate "C" not null,
  revision bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  moved_at timestamptz not null,
  constraint consumers_pk primary key (ledger, client, instance),
  constraint consumers_revision_counts check (revision >= 0)
)
-- Its rows change all the time and its key never: half a page free keeps every new version on its own page, without an index entry.
with (fillfactor = 50);
comment on table consumers is
  'Operational: which revision each process that reads the ledger has applied, as it says itself. Forgotten after a day of silence.';
comment on column consumers.client is 'How the process is called; several processes may have one name.';
comment on column consumers.instance is 'Tells processes of one name apart; empty when the process does not say.';
comment on column consumers.last_seen_at is 'When it was heard of last, up to five seconds behind.';
comment on column consumers.moved_at is 'When it said another revision than before for the last time.';

select varve_grant('select, insert, update, delete', 'consumers', 'varve_http');
-- What nobody has asked for in months is forgotten.
select varve_grant('delete', 'contexts_seen', 'varve_http');
