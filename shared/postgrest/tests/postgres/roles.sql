create schema vault;

create role visitor;
create role member;
create role keeper;
grant visitor, member, keeper to postgres;

create table vault.notes (id integer primary key, owner text not null, is_public boolean not null, secret text);
insert into vault.notes values (1, 'ann', true, 'a'), (2, 'ann', false, 'b'), (3, 'bob', false, 'c');
alter table vault.notes enable row level security;
create policy published on vault.notes for select to visitor, member using (is_public);
create policy own on vault.notes for select to member
  using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');
create policy everything on vault.notes for select to keeper using (true);

create table vault.comments (id integer primary key, note_id integer not null references vault.notes, text text not null);
insert into vault.comments values (1, 1, 'on a public note'), (2, 2, 'on a note of ann''s'), (3, 3, 'on a note of bob''s');

create function vault.asks() returns json stable language sql as
  $$ select json_build_array(current_user, current_setting('request.jwt.claims', true)::json -> 'sub') $$;

grant usage on schema vault to visitor, member, keeper;
grant select (id, owner, is_public) on vault.notes to visitor;
grant select on vault.notes to member, keeper;
grant select on vault.comments to visitor, member, keeper;
