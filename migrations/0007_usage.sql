-- Operational tables: what services report about their requests. Neither in the ledger nor made from it, and never
-- dropped by a rebuild: millions of small facts a day that no event is made of and that nobody else keeps.

create table usage_records (
  ledger text not null,
  id text collate "C" not null,
  at timestamptz not null,
  key text collate "C",
  model text collate "C",
  model_by_key boolean not null,
  user_id text collate "C",
  tenant_id text collate "C",
  tier_id text collate "C",
  input_tokens integer not null,
  output_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_tokens integer not null,
  reasoning_tokens integer not null,
  input_audio_tokens integer not null,
  output_audio_tokens integer not null,
  received_at timestamptz not null default now(),
  constraint usage_records_pk primary key (ledger, id),
  constraint usage_records_names_something check (key is not null or model is not null)
);
comment on table usage_records is 'Operational: the tokens of requests as services report them, each id once.';
comment on column usage_records.id is 'Given by who reports; the first record of an id stands.';
comment on column usage_records.at is 'When the request was made, by the clock of who reports.';
comment on column usage_records.model is 'As it was reported, or what the key resolved to then; null when that is unknown.';
comment on column usage_records.model_by_key is 'Whether the model was not reported and is what the key resolved to.';
comment on column usage_records.input_tokens is 'Each token stands in exactly one of the counts.';

-- Costs are read by time, restatements by model and time, bills by tenant and time.
create index usage_records_by_time on usage_records (ledger, at, id);
create index usage_records_by_model on usage_records (ledger, model, at, id) where model is not null;
create index usage_records_by_tenant on usage_records (ledger, tenant_id, at, id) where tenant_id is not null;

create table contexts_seen (
  ledger text not null,
  user_id text collate "C" not null,
  tenant_id text collate "C" not null,
  tier_id text collate "C" not null,
  how text not null,
  last_seen timestamptz not null,
  constraint contexts_seen_pk primary key (ledger, user_id, tenant_id, tier_id),
  constraint contexts_seen_how_known check (how in ('usage', 'consumer'))
);
comment on table contexts_seen is
  'Operational: which users, tenants and tiers really ask, together; what a change does is told about them.';
comment on column contexts_seen.user_id is 'Empty when the context has none; an id is never empty.';
comment on column contexts_seen.how is 'By what it was seen last.';
comment on column contexts_seen.last_seen is 'Latest time that it was seen at, up to a minute behind.';
create index contexts_seen_newest on contexts_seen (ledger, last_seen desc, user_id, tenant_id, tier_id);

select varve_grant('select, insert', 'usage_records', 'varve_http');
select varve_grant('select, insert, update', 'contexts_seen', 'varve_http');
