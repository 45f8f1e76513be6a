-- Rebuilding read models beside the ones that are read, and swapping them in. What is rebuilt stands in a schema of its
-- own under the same names, with checkpoints of its own; so a projection's SQL, which names no schema, fills it as it is.
-- The functions are the only way to make, swap and drop those tables; they do it in their owner's name.

create schema if not exists varve_rebuild;
comment on schema varve_rebuild is
  'Read models that are being made again, and their checkpoints; whatever stands here may be dropped at any time.';
select varve_grant('usage', 'schema varve_rebuild', 'varve_projector');

create table replays (
  id uuid not null,
  kind text not null,
  projections text[] not null,
  requested_by text not null,
  requested_at timestamptz not null default now(),
  state text not null default 'waiting',
  attempts integer not null default 0,
  progress json,
  outcome json,
  error text,
  started_at timestamptz,
  finished_at timestamptz,
  constraint replays_pk primary key (id),
  constraint replays_kind_known check (kind in ('rebuild', 'verification')),
  constraint replays_state_known check (state in ('waiting', 'running', 'done', 'failed')),
  constraint replays_projections_some check (cardinality(projections) > 0)
);
comment on table replays is
  'Operational: which rebuilds and verifications were asked for, and what came of them; the log does not know of them, and whoever runs them finds them here after a crash or a wiped queue.';
comment on column replays.requested_by is 'Name of the API key, or system when a projection''s code has a newer version.';
comment on column replays.attempts is 'How often one was begun or gone on with.';
comment on column replays.progress is 'Phase, events done, events in all, events per second; up to a second old.';
comment on column replays.outcome is 'What was found, when it is done.';
comment on column replays.error is 'Why it failed, without keys or values.';
-- Asking twice is asking once.
create unique index replays_open on replays (kind, projections) where state in ('waiting', 'running');
create index replays_by_time on replays (requested_at, id);
select varve_grant('select, insert', 'replays', 'varve_http');
select varve_grant('select, insert, update, delete', 'replays', 'varve_projector');

-- What the tables in varve_rebuild are for: who fills them, and the migrations that they were made under. Tables of
-- another purpose, or of before a migration, are not gone on with.
create function rebuild_mark(purpose text) returns text
language sql stable strict
as $$ select purpose || ' after ' || max(name) from schema_migrations $$;

create function rebuild_stands_for(purpose text) returns boolean
language sql stable strict security definer
as $$
  select coalesce(
    obj_description(to_regclass('varve_rebuild.projection_checkpoints'), 'pg_class') = rebuild_mark(purpose), false)
$$;
comment on function rebuild_stands_for(text) is
  'Whether the tables in varve_rebuild were made for this purpose under the migrations of now.';

-- Only what the projector may empty anyway is ever replaced; the log and the operational tables are not.
create function rebuild_check(tables text[]) returns void
language plpgsql stable strict
as $$
declare
  table_name text;
begin
  foreach table_name in array tables loop
    if to_regclass(quote_ident(table_name)) is null
      or table_name in ('ledger_events', 'ledger_heads', 'log_identity', 'schema_migrations', 'projection_checkpoints')
      or (
        exists (select from pg_roles where rolname = 'varve_projector')
        and not has_table_privilege('varve_projector', quote_ident(table_name), 'truncate')
      ) then
      raise exception '% is no read model', table_name using errcode = 'insufficient_privilege';
    end if;
  end loop;
end
$$;

create function rebuild_drop() returns void
language plpgsql security definer
as $$
declare
  table_name text;
begin
  -- The checkpoints first: whoever still fills the tables holds them until its transaction ends.
  if to_regclass('varve_rebuild.projection_checkpoints') is not null then
    lock table varve_rebuild.projection_checkpoints in access exclusive mode;
  end if;
  for table_name in select relname from pg_class where relnamespace = 'varve_rebuild'::regnamespace and relkind = 'r' loop
    execute format('drop table varve_rebuild.%I', table_name);
  end loop;
end
$$;
comment on function rebuild_drop() is 'Drops whatever stands in varve_rebuild.';

-- A table with the columns, defaults, checks, comments, settings, grants and the primary key of its namesake, and no rows.
create function rebuild_open_one(table_name text) returns void
language plpgsql strict
as $$
declare
  original oid := to_regclass(quote_ident(table_name));
  part record;
begin
  execute format('create table varve_rebuild.%1$I (like %1$I including all excluding indexes)', table_name);
  select obj_description(original, 'pg_class') as said, array_to_string(reloptions, ', ') as settings
    into part from pg_class where oid = original;
  if part.settings is not null then
    execute format('alter table varve_rebuild.%I set (%s)', table_name, part.settings);
  end if;
  execute format('comment on table varve_rebuild.%I is %L', table_name, part.said);
  for part in
    select conname, pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = original and contype = 'p'
  loop
    execute format('alter table varve_rebuild.%I add constraint %I %s', table_name, part.conname, part.definition);
  end loop;
  for part in
    select g.privilege_type, case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end as grantee
      from pg_class c, aclexplode(c.relacl) g
     where c.oid = original and g.grantee <> c.relowner
  loop
    execute format('grant %s on varve_rebuild.%I to %s', part.privilege_type, table_name, part.grantee);
  end loop;
end
$$;

create function rebuild_open(purpose text, tables text[]) returns void
language plpgsql strict security definer
as $$
declare
  table_name text;
begin
  perform rebuild_check(tables);
  perform rebuild_drop();
  foreach table_name in array array['projection_checkpoints'] || tables loop
    perform rebuild_open_one(table_name);
  end loop;
  execute format('comment on table varve_rebuild.projection_checkpoints is %L', rebuild_mark(purpose));
end
$$;
comment on function rebuild_open(text, text[]) is
  'Makes empty tables like these, and checkpoints, in varve_rebuild; what stood there is dropped. Secondary indexes come later.';

-- Indexes and unique constraints that the tables of now have and their namesakes in varve_rebuild do not yet.
create function rebuild_missing_indexes(tables text[]) returns table (table_name text, index_name text, definition text, said text)
language sql stable strict
as $$
  select t.name, i.relname::text,
         coalesce(
           (select format('alter table varve_rebuild.%I add constraint %I %s', t.name, c.conname, pg_get_constraintdef(c.oid))
              from pg_constraint c where c.conindid = x.indexrelid and c.conrelid = x.indrelid limit 1),
           replace(pg_get_indexdef(x.indexrelid), format(' ON %I.%I USING ', current_schema(), t.name),
             format(' ON varve_rebuild.%I USING ', t.name))),
         obj_description(x.indexrelid, 'pg_class')
    from unnest(tables) as t (name)
    join pg_index x on x.indrelid = to_regclass(quote_ident(t.name))
    join pg_class i on i.oid = x.indexrelid
   where x.indisvalid
     and not exists (select from pg_class o where o.relnamespace = 'varve_rebuild'::regnamespace and o.relname = i.relname)
   order by t.name, i.relname
$$;

create function rebuild_next_index(tables text[]) returns table (built text, missing bigint)
language plpgsql strict security definer
as $$
declare
  next record;
begin
  perform rebuild_check(tables);
  select * into next from rebuild_missing_indexes(tables) limit 1;
  if found then
    execute next.definition;
    if next.said is not null then
      execute format('comment on index varve_rebuild.%I is %L', next.index_name, next.said);
    end if;
  end if;
  return query select next.index_name, count(*) from rebuild_missing_indexes(tables);
end
$$;
comment on function rebuild_next_index(text[]) is
  'Builds one index that is missing in varve_rebuild; answers its name (null when none was) and how many are still missing.';

create function rebuild_analyze(tables text[]) returns void
language plpgsql strict security definer
as $$
declare
  table_name text;
begin
  foreach table_name in array tables loop
    execute format('analyze varve_rebuild.%I', table_name);
  end loop;
end
$$;

-- The swap. Refuses (55000) tables of another purpose, without all indexes, of older code, or behind the rows that are
-- read. The caller has a lock_timeout: what is waited for here holds up readers.
create function rebuild_swap(purpose text, tables text[], swapped text[]) returns void
language plpgsql strict security definer
as $$
declare
  table_name text;
  main text := current_schema();
begin
  perform rebuild_check(tables);
  foreach table_name in array array['projection_checkpoints'] || tables loop
    execute format('lock table varve_rebuild.%I in access exclusive mode', table_name);
  end loop;
  foreach table_name in array tables loop
    execute format('lock table %I in access exclusive mode', table_name);
  end loop;
  -- From here on nobody writes either of them: what is seen now stays so.
  if not rebuild_stands_for(purpose) then
    raise exception 'the tables in varve_rebuild are not for this' using errcode = '55000';
  end if;
  if exists (select from rebuild_missing_indexes(tables)) then
    raise exception 'an index is missing in varve_rebuild' using errcode = '55000';
  end if;
  if exists (
    select from projection_checkpoints c
      left join varve_rebuild.projection_checkpoints r on r.ledger = c.ledger and r.projection = c.projection
     where c.projection = any (swapped)
       and (c.revision > coalesce(r.revision, 0) or c.version > r.version or c.log_id <> r.log_id)
  ) then
    raise exception 'the tables in varve_rebuild are behind' using errcode = '55000';
  end if;
  foreach table_name in array tables loop
    execute format('drop table %I', table_name);
    execute format('alter table varve_rebuild.%I set schema %I', table_name, main);
  end loop;
  delete from projection_checkpoints c where c.projection = any (swapped);
  insert into projection_checkpoints select * from varve_rebuild.projection_checkpoints r where r.projection = any (swapped);
  drop table varve_rebuild.projection_checkpoints;
end
$$;
comment on function rebuild_swap(text, text[], text[]) is
  'Puts the tables of varve_rebuild in the place of their namesakes, with their checkpoints, which never go back.';

-- Their owner's rights are lent to the projector alone, and to no schema but ours.
do $$
declare
  signature text;
begin
  foreach signature in array array[
    'rebuild_mark(text)', 'rebuild_stands_for(text)', 'rebuild_check(text[])', 'rebuild_drop()', 'rebuild_open_one(text)',
    'rebuild_open(text, text[])', 'rebuild_missing_indexes(text[])', 'rebuild_next_index(text[])', 'rebuild_analyze(text[])',
    'rebuild_swap(text, text[], text[])'
  ] loop
    execute format('alter function %s set search_path = %I, pg_temp', signature, current_schema());
    execute format('revoke execute on function %s from public', signature);
  end loop;
  foreach signature in array array[
    'rebuild_stands_for(text)', 'rebuild_drop()', 'rebuild_open(text, text[])', 'rebuild_next_index(text[])',
    'rebuild_analyze(text[])', 'rebuild_swap(text, text[], text[])'
  ] loop
    perform varve_grant('execute', 'function ' || signature, 'varve_projector');
  end loop;
end
$$;
