-- The log: one append-only sequence of events a ledger, serialized by the ledger's head row.

create table ledger_heads (
  ledger text not null,
  revision bigint not null,
  recorded_at timestamptz not null,
  constraint ledger_heads_pk primary key (ledger),
  constraint ledger_heads_revision_positive check (revision > 0)
);
comment on table ledger_heads is 'Where each ledger ends; its row is what appends compare with and lock.';
comment on column ledger_heads.revision is 'Revision of the last event.';
comment on column ledger_heads.recorded_at is 'Recorded time of the last event; the next one is never before it.';

create table ledger_events (
  ledger text not null,
  revision bigint not null,
  recorded_at timestamptz not null,
  format_version smallint not null,
  canonical bytea not null,
  leaf_hash bytea not null generated always as (sha256('\x00'::bytea || canonical)) stored,
  constraint ledger_events_pk primary key (ledger, revision)
);
comment on table ledger_events is 'The truth: every event, never changed, never deleted.';
comment on column ledger_events.format_version is 'How canonical was made: 1 is RFC 8785.';
comment on column ledger_events.canonical is 'The exact bytes of the event, in UTF-8.';
comment on column ledger_events.leaf_hash is 'The RFC 6962 leaf hash of canonical: sha256(0x00 || bytes).';

create function ledger_is_append_only() returns trigger
language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % on % is not allowed', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger ledger_events_append_only
  before update or delete or truncate on ledger_events
  for each statement execute function ledger_is_append_only();

-- Also in a session that replicates (session_replication_role), where ordinary triggers keep still.
alter table ledger_events enable always trigger ledger_events_append_only;

create function ledger_head_only_advances() returns trigger
language plpgsql as $$
begin
  if tg_op <> 'UPDATE' then
    raise exception 'the head of a ledger is never taken away' using errcode = 'restrict_violation';
  end if;
  if new.revision <= old.revision or new.recorded_at < old.recorded_at or new.ledger <> old.ledger then
    raise exception 'the head of ledger % only advances', old.ledger using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger ledger_heads_only_advance
  before update on ledger_heads
  for each row execute function ledger_head_only_advances();

create trigger ledger_heads_stay
  before delete or truncate on ledger_heads
  for each statement execute function ledger_head_only_advances();

alter table ledger_heads enable always trigger ledger_heads_only_advance;
alter table ledger_heads enable always trigger ledger_heads_stay;

-- One append: all or nothing, after the expected revision, or the head that stood there instead.
-- `lines` holds one canonical event a line (canonical JSON has no raw line break), the first of them at
-- expected_revision + 1; `times` are their recorded times. Locks the head row until the commit.
create function ledger_append(
  in_ledger text,
  expected_revision bigint,
  in_format_version smallint,
  lines text,
  recorded_ats timestamptz[]
) returns table (appended boolean, head_revision bigint, head_recorded_at timestamptz)
language plpgsql as $$
declare
  event_count bigint := cardinality(recorded_ats);
  newest timestamptz := recorded_ats[cardinality(recorded_ats)];
  moved boolean;
begin
  if expected_revision = 0 then
    insert into ledger_heads as h (ledger, revision, recorded_at)
    values (in_ledger, event_count, newest)
    on conflict (ledger) do nothing;
  else
    update ledger_heads h
    set revision = expected_revision + event_count, recorded_at = newest
    where h.ledger = in_ledger and h.revision = expected_revision;
  end if;
  moved := found;
  if not moved then
    return query
      select false, coalesce(max(h.revision), 0), coalesce(max(h.recorded_at), 'epoch'::timestamptz)
      from ledger_heads h where h.ledger = in_ledger;
    return;
  end if;
  insert into ledger_events (ledger, revision, recorded_at, format_version, canonical)
  select in_ledger, expected_revision + line.n, recorded_ats[line.n], in_format_version, convert_to(line.text, 'UTF8')
  from string_to_table(lines, E'\n') with ordinality as line (text, n);
  get diagnostics event_count = row_count;
  if event_count <> cardinality(recorded_ats) then
    raise exception '% lines for % events', event_count, cardinality(recorded_ats) using errcode = 'data_exception';
  end if;
  return query select true, expected_revision + event_count, newest;
end
$$;

select varve_grant('select, insert, update', 'ledger_heads', 'varve_http');
select varve_grant('select, insert', 'ledger_events', 'varve_http');
select varve_grant('select', 'ledger_heads', 'varve_projector');
select varve_grant('select', 'ledger_events', 'varve_projector');
