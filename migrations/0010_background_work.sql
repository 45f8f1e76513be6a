-- Background work: operational tables, neither in the ledger nor made from it, and never dropped by a rebuild.
-- The queue holds nothing that is not found again from these and the ledger.

create table webhook_secrets (
  ledger text not null,
  webhook text not null,
  number integer not null,
  secret bytea not null,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  constraint webhook_secrets_pk primary key (ledger, webhook, number),
  constraint webhook_secrets_length check (length(secret) between 24 and 64)
);
comment on table webhook_secrets is
  'Operational: a secret has no place in a log that is read by many and never forgets. Plain, because notices are signed with it.';
comment on column webhook_secrets.number is '1, 2, 3 …: a rotation adds the next one.';
comment on column webhook_secrets.expires_at is 'Until when it signs beside the next one; null for the newest.';

create table webhook_cursors (
  ledger text not null,
  webhook text not null,
  revision bigint not null,
  looked_until timestamptz not null,
  closed boolean not null default false,
  constraint webhook_cursors_pk primary key (ledger, webhook)
);
comment on table webhook_cursors is
  'Operational: how far the deliveries of a webhook are written down. Kept for ever: without it everything would be told again.';
comment on column webhook_cursors.revision is 'The last event that was looked at.';
comment on column webhook_cursors.looked_until is 'The last moment up to which activations were looked for.';
comment on column webhook_cursors.closed is 'The webhook is removed: nothing is written down any more.';

create table webhook_deliveries (
  id uuid not null,
  ledger text not null,
  webhook text not null,
  type text not null,
  revision bigint not null,
  activation json,
  state text not null default 'pending',
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  leased_until timestamptz,
  last_status integer,
  last_error text,
  created_at timestamptz(3) not null default now(),
  finished_at timestamptz,
  constraint webhook_deliveries_pk primary key (id),
  constraint webhook_deliveries_state_known check (state in ('pending', 'delivered', 'given_up'))
);
comment on table webhook_deliveries is
  'Operational: what became of each notice. Which there are follows from the ledger; whether a receiver took one does not.';
comment on column webhook_deliveries.id is 'Made of webhook, ledger and event or activation: the same notice has the same id, always.';
comment on column webhook_deliveries.type is 'The type of the event, or activation.';
comment on column webhook_deliveries.revision is 'Of the event; of an activation that of the event that foretold it.';
comment on column webhook_deliveries.activation is 'What turned, and when; null for an event.';
comment on column webhook_deliveries.leased_until is 'Somebody sends it; past this time he is taken for dead.';
comment on column webhook_deliveries.last_error is 'Why the last attempt failed, in one word; no part of an answer is kept.';

create index webhook_deliveries_due on webhook_deliveries (ledger, webhook, due_at, id) where state = 'pending';
create index webhook_deliveries_newest on webhook_deliveries (ledger, webhook, created_at, id);
create index webhook_deliveries_given_up on webhook_deliveries (ledger, webhook) where state = 'given_up';
create index webhook_deliveries_delivered on webhook_deliveries (finished_at) where state = 'delivered';

create table imports (
  id uuid not null,
  ledger text not null,
  actor json not null,
  state text not null default 'open',
  total integer not null,
  done integer not null default 0,
  events bigint not null default 0,
  replayed integer not null default 0,
  refused integer not null default 0,
  refusals jsonb not null default '[]',
  last_error text,
  leased_until timestamptz,
  created_at timestamptz(3) not null default now(),
  finished_at timestamptz,
  constraint imports_pk primary key (id),
  constraint imports_state_known check (state in ('open', 'finished', 'failed', 'cancelled')),
  constraint imports_done_bounded check (done between 0 and total)
);
comment on table imports is 'Operational: how far an import has come. What it brought stands in the ledger under its idempotency keys.';
comment on column imports.done is 'How many of its changesets were worked off, in their order.';
comment on column imports.refusals is 'The first 100 refused ones: number, code, reason, message.';
comment on column imports.last_error is 'Why it does not go on for now, or why it failed.';
create index imports_newest on imports (ledger, created_at, id);
create index imports_open on imports (created_at, id) where state = 'open';
create index imports_finished on imports (finished_at) where state <> 'open';

create table import_changesets (
  import uuid not null,
  number integer not null,
  idempotency_key text not null,
  body_hash text not null,
  changeset json not null,
  constraint import_changesets_pk primary key (import, number),
  constraint import_changesets_of_import foreign key (import) references imports (id) on delete cascade
);
comment on table import_changesets is 'Operational: the changesets of imports as they were handed over, until the import is forgotten.';
comment on column import_changesets.number is 'From 0.';
comment on column import_changesets.body_hash is 'As of the same request to POST /v1/changesets: what came in by that door is not brought in again.';
comment on column import_changesets.changeset is 'reason and changes.';

select varve_grant('select, insert, update, delete', table_name, 'varve_http')
  from unnest(array['webhook_secrets', 'webhook_cursors', 'webhook_deliveries', 'imports', 'import_changesets']) as table_name;
