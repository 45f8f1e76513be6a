-- The two roles that the server's connections take, so that the database itself refuses what a side must not do:
-- the HTTP side reads everything and writes no read model; the projector writes read models and no log.
-- They cannot log in: the user of DATABASE_URL takes them (`-c role=…`). A server that does not let us make roles goes
-- without; its administrator may make them beforehand, and the grants below and in later files then take effect.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['varve_http', 'varve_projector'] loop
    begin
      execute format('create role %I nologin', wanted);
    exception
      -- unique_violation: two databases of one server made it in the same moment.
      when duplicate_object or unique_violation then
        null;
      when insufficient_privilege then
        raise notice 'role % cannot be made by %; going on without it', wanted, current_user;
    end;

    if exists (select from pg_roles where rolname = wanted) then
      begin
        -- From version 16 on, membership alone does not let a session take the role.
        if not pg_has_role(
          wanted, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
        ) then
          execute format('grant %I to current_user', wanted);
        end if;
      exception
        when insufficient_privilege then
          raise notice 'role % cannot be granted to %; going on without it', wanted, current_user;
      end;
    end if;
  end loop;
end
$$;

-- Grants on one table (or function, with 'function' in front of its name) to a role, and does nothing where the role
-- is absent. `privileges` as in GRANT: 'select', 'select, insert'.
create function varve_grant(privileges text, object_name text, role_name text) returns void
  language plpgsql
  security invoker
as $$
begin
  if privileges !~ '^[a-z]+(, *[a-z]+)*$' then
    raise exception 'privileges must be plain words, not %', privileges using errcode = 'invalid_parameter_value';
  end if;
  if exists (select from pg_roles where rolname = role_name) then
    execute format('grant %s on %s to %I', privileges, object_name, role_name);
  end if;
end
$$;

comment on function varve_grant(text, text, text) is
  'For migrations: grant privileges on an object to a role, or do nothing where the role does not exist';

-- Only migrations grant.
revoke execute on function varve_grant(text, text, text) from public;

select varve_grant('usage', format('schema %I', current_schema()), role_name)
  from unnest(array['varve_http', 'varve_projector']) as role_name;
