-- Read models: what the projections make of the log. All of it can be dropped and made again.

create table log_identity (
  only_row boolean not null default true,
  id uuid not null default gen_random_uuid(),
  constraint log_identity_pk primary key (only_row),
  constraint log_identity_one_row check (only_row)
);
comment on table log_identity is 'Names the log that lives in this database; checkpoints carry the name of their log.';
insert into log_identity default values;

create table projection_checkpoints (
  ledger text not null,
  projection text not null,
  version integer not null,
  revision bigint not null,
  log_id text not null,
  state text not null,
  error text,
  updated_at timestamptz not null,
  constraint projection_checkpoints_pk primary key (ledger, projection),
  constraint projection_checkpoints_state_known check (state in ('running', 'stopped', 'rebuilding'))
);
comment on table projection_checkpoints is 'How far each projection has come in each ledger; moves in the transaction of its rows.';
comment on column projection_checkpoints.version is 'Version of the projection''s code that made the rows.';
comment on column projection_checkpoints.error is 'Why it stopped, without keys or values.';

create table subjects (
  ledger text not null,
  subject text not null,
  version bigint not null,
  revision bigint not null,
  state json not null,
  constraint subjects_pk primary key (ledger, subject)
);
comment on table subjects is 'Every subject as its events have made it; the live state starts from here.';
comment on column subjects.version is 'How many events the subject has had.';
comment on column subjects.revision is 'Revision of the last of them.';

create table assertions (
  ledger text not null,
  revision bigint not null,
  key text not null,
  scope text not null,
  kind text not null,
  value json,
  effective_from timestamptz not null,
  effective_until timestamptz,
  withdrawn_by bigint,
  constraint assertions_pk primary key (ledger, revision),
  constraint assertions_kind_known check (kind in ('value', 'allocation', 'cleared'))
);
comment on table assertions is 'The scoped resolution table: what a scope says about a key, on both clocks.';
comment on column assertions.revision is 'The recorded clock: known from this revision on.';
comment on column assertions.withdrawn_by is 'Revision from which on it is taken back (it had not started).';
comment on column assertions.effective_until is 'Exclusive; null when it has no end.';
create index assertions_lookup on assertions (ledger, key, scope, effective_from desc, revision desc);
create index assertions_by_scope on assertions (ledger, scope, key);

create table key_definitions (
  ledger text not null,
  key text not null,
  version bigint not null,
  revision bigint not null,
  until_revision bigint,
  retired boolean not null,
  definition json not null,
  constraint key_definitions_pk primary key (ledger, key, version)
);
comment on table key_definitions is 'Every version of every key''s definition; in force from revision until before until_revision.';
create index key_definitions_by_revision on key_definitions (ledger, key, revision desc);

create table models (
  ledger text not null,
  id text not null,
  version bigint not null,
  revision bigint not null,
  until_revision bigint,
  provider text not null,
  status text not null,
  state json not null,
  search text not null,
  constraint models_pk primary key (ledger, id, version),
  constraint models_status_known check (status in ('active', 'beta', 'deprecated', 'retired', 'removed'))
);
comment on table models is 'The catalogue: every version of every model, without prices; known from revision until before until_revision.';
comment on column models.search is 'Id, name and family in lower case, for q.';
create index models_by_revision on models (ledger, id, revision desc);
create index models_current on models (ledger, provider, id) where until_revision is null;

create table prices (
  ledger text not null,
  revision bigint not null,
  model_id text not null,
  kind text not null,
  pricing json not null,
  effective_from timestamptz not null,
  effective_until timestamptz,
  source text,
  corrects bigint,
  constraint prices_pk primary key (ledger, revision),
  constraint prices_kind_known check (kind in ('added', 'changed', 'corrected'))
);
comment on table prices is 'Every price on both clocks, whole, in US dollars per million tokens.';
create index prices_lookup on prices (ledger, model_id, effective_from desc, revision desc);

create table history (
  ledger text not null,
  revision bigint not null,
  type text not null,
  subject text not null,
  key text,
  scope text,
  actor text not null,
  event json not null,
  changes json not null,
  constraint history_pk primary key (ledger, revision)
);
comment on table history is 'Every event as people read it, with the fields that it changed.';
comment on column history.changes is '[{ field, before, after }], from immer''s patches.';
create index history_by_subject on history (ledger, subject, revision desc);
create index history_by_key on history (ledger, key, revision desc) where key is not null;
create index history_by_scope on history (ledger, scope, revision desc) where scope is not null;
create index history_by_actor on history (ledger, actor, revision desc);
create index history_by_type on history (ledger, type, revision desc);

-- Words of names and sentences alike: without the punctuation, `ai.planner.model@tenant:acme` is found by each part,
-- and Postgres' parser meets no hosts, paths or tags. What is stored and what is asked must go through the same.
create function plain_words(words text) returns text
language sql immutable strict parallel safe
return translate(words, './\:@_-+=#~<>&|''"()[]{}', '                        ');

create function search_words(words text) returns tsvector
language sql immutable strict parallel safe
return to_tsvector('simple', plain_words(words));
comment on function search_words(text) is 'What changesets.search holds of a text.';

create function search_query(words text) returns tsquery
language sql immutable strict parallel safe
return plainto_tsquery('simple', plain_words(words));
comment on function search_query(text) is 'Asks changesets.search for all of these words.';

create table changesets (
  ledger text not null,
  changeset_id uuid not null,
  first_revision bigint not null,
  last_revision bigint not null,
  recorded_at timestamptz not null,
  actor text not null,
  via text,
  reason text not null,
  source text not null,
  request_id text not null,
  undoes uuid,
  idempotency_key text,
  body_hash text,
  search tsvector not null,
  constraint changesets_pk primary key (ledger, changeset_id)
);
comment on table changesets is 'Changes made together; by time, by idempotency key, by words.';
comment on column changesets.search is 'Words of reason, actor and subjects.';
create unique index changesets_by_time on changesets (ledger, recorded_at, last_revision);
create unique index changesets_by_idempotency_key on changesets (ledger, actor, idempotency_key)
  where idempotency_key is not null;
create index changesets_by_words on changesets using gin (search);

create table tags (
  ledger text not null,
  name text not null,
  revision bigint not null,
  tagged_by bigint not null,
  tagged_at timestamptz not null,
  constraint tags_pk primary key (ledger, name)
);
comment on table tags is 'Names given to revisions, once each.';
comment on column tags.tagged_by is 'Revision of the event that gave the name.';

do $$
declare
  table_name text;
begin
  foreach table_name in array array[
    'projection_checkpoints', 'subjects', 'assertions', 'key_definitions', 'models', 'prices', 'history',
    'changesets', 'tags'
  ] loop
    perform varve_grant('select', table_name, 'varve_http');
    perform varve_grant('select, insert, update, delete, truncate', table_name, 'varve_projector');
  end loop;
  perform varve_grant('select', 'log_identity', 'varve_http');
  perform varve_grant('select', 'log_identity', 'varve_projector');
end
$$;
