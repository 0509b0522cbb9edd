-- What the rows of reads.rs use; `app` is exposed.
create role authenticator noinherit login;
create schema app;
create schema auth;
create schema headland;
set search_path = app;

create type mood as enum ('sad', 'ok');
create table films (id integer primary key, title text, at timestamptz, size integer);
create table titles (title text);
create table people (id uuid primary key);
create sequence counter;
create view ok_view as select * from films;
create view no_now as select * from films where at < now();
create view no_now_at_all as select id from no_now;
create materialized view stored as select *, now() as made from films;
create unlogged table unlogged (id integer);

create foreign data wrapper nothing;
create server nowhere foreign data wrapper nothing;
create foreign table remote (id integer) server nowhere;
create table parent (id integer) partition by list (id);
create table child partition of parent for values in (1);
create table parent_of_remote (id integer) partition by list (id);
create foreign table child_elsewhere partition of parent_of_remote for values in (1) server nowhere;
create table parent_of_secured (id integer) partition by list (id);
create table child_secured partition of parent_of_secured for values in (1);
alter table child_secured enable row level security;

-- As Supabase has them.
create function auth.uid() returns uuid language sql stable as $$
  select
  coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
  )::uuid
$$;
create function auth.role() returns text language sql stable as $$
  select
  coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
  )::text
$$;
create function auth.jwt() returns jsonb language plpgsql stable as $$
begin
  return coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb;
exception when others then
  return null;
end
$$;

create table secured (person uuid);
alter table secured enable row level security;
create policy reading on secured using (exists (select from people where id = person and id = auth.uid()));

create function immutable(integer) returns integer immutable language sql as 'select $1';
create function volatile(integer) returns integer language sql as 'select $1';
create function reads_a_table() returns text stable language sql as 'select title from app.films limit 1';
create function is_member(uuid) returns boolean stable security definer language sql
  as 'select exists (select from app.people where id = $1)';
create function with_default(at timestamptz default now()) returns timestamptz immutable language sql as 'select at';
create function hidden_claims() returns text immutable language sql as $$select current_setting('request.jwt.claims')$$;
create function uuid(text) returns text volatile language sql as 'select now()::text';
create function plus(integer, integer) returns integer volatile language sql as 'select $1 + $2';
create operator <#> (function = plus, leftarg = integer, rightarg = integer);
create aggregate most(integer) (sfunc = int4larger, stype = integer);
create aggregate odd(integer) (sfunc = plus, stype = integer);

create function headland.wrote() returns trigger language plpgsql as 'begin return null; end';
create function headland.changed() returns event_trigger language plpgsql as 'begin end';
create function other() returns trigger language plpgsql as 'begin return null; end';
create trigger headland after insert or update or delete or truncate on films for each statement execute function headland.wrote();
create trigger headland after insert or update or delete or truncate on people for each statement execute function headland.wrote();
-- Not all that writes, another function, and another name.
create trigger headland after insert on titles for each statement execute function headland.wrote();
create trigger headland after insert or update or delete or truncate on secured for each statement execute function other();
create trigger other after insert or update or delete or truncate on child for each statement execute function headland.wrote();
