-- The roles of PostgREST's tutorial: who connects, and whom they become. A paragraph is a statement.
create role anon nologin;

create role authenticated nologin;

create role authenticator noinherit login;

grant anon, authenticated to authenticator;

grant usage on schema public to anon, authenticated;

-- Tables that are made later are served without another word: anyone reads, who has a token also writes.
alter default privileges in schema public grant select on tables to anon;

alter default privileges in schema public grant select, insert, update, delete on tables to authenticated;

alter default privileges in schema public grant usage, select on sequences to authenticated;
