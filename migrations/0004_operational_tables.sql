-- Operational tables: neither in the ledger nor made from it, and never dropped by a rebuild.

create table api_key_verifiers (
  id text not null,
  ledger text not null,
  hash bytea not null,
  created_at timestamptz not null default now(),
  constraint api_key_verifiers_pk primary key (id)
);
comment on table api_key_verifiers is 'Operational: a secret''s hash has no place in a log that is read by many and never forgets.';
comment on column api_key_verifiers.hash is 'sha256 of the whole key; the key itself is kept nowhere.';

create table remembered_answers (
  ledger text not null,
  actor text not null,
  idempotency_key text not null,
  body_hash text not null,
  answer json not null,
  created_at timestamptz not null default now(),
  constraint remembered_answers_pk primary key (ledger, actor, idempotency_key)
);
comment on table remembered_answers is 'Operational: idempotent requests that changed nothing have no event to stand in; kept for 30 days.';
create index remembered_answers_by_age on remembered_answers (created_at);

select varve_grant('select, insert, delete', 'api_key_verifiers', 'varve_http');
select varve_grant('select, insert, delete', 'remembered_answers', 'varve_http');
