-- A small schema with one of everything that a read can meet, and a few rows.
create schema cinema;
set search_path = cinema;

create table directors (
  id integer primary key,
  name text not null,
  mentor_id integer references directors
);

create table films (
  id integer primary key,
  title text not null,
  year integer,
  rating numeric(3, 1),
  details jsonb,
  tags text[],
  plot tsvector,
  director_id integer references directors
);

create table actors (id integer primary key, name text not null);

create table roles (
  film_id integer references films,
  actor_id integer references actors,
  character text,
  primary key (film_id, actor_id)
);

create table posters (film_id integer primary key references films, url text);

-- Two ways lead from an award to a director.
create table awards (
  id integer primary key,
  giver_id integer constraint awards_giver references directors,
  taker_id integer constraint awards_taker references directors
);

create table "odd ""names"" 100%" ("the ""id"" %d" integer primary key, "select" text, film_id integer references films);

create table lonely (id integer primary key);

create view old_films as select * from films where year < 1960;

create function decade(films) returns integer stable language sql as $$ select $1.year / 10 * 10 $$;

-- One of every way to call a function.
create function films_since(since integer, most integer default null) returns setof films
  stable language sql as $$ select * from films where year >= since order by id limit most $$;
create function film(id integer) returns films
  stable language sql as $$ select * from films where films.id = film.id $$;
create function add(a integer, b integer default 1) returns integer immutable language sql as $$ select a + b $$;
create function join_words(separator text, variadic words text[] default '{}') returns text
  immutable language sql as $$ select array_to_string(words, separator) $$;
create function years(first integer) returns setof integer
  immutable language sql as $$ select generate_series(first, first + 2) $$;
create function extremes(out best text, out worst text) stable language sql as $$ select 'Glory', 'Jaws' $$;
create function shelf() returns table (place integer, contents jsonb, plot tsvector)
  immutable language sql as $$ select 1, '{"a": 1}'::jsonb, 'duel card'::tsvector $$;
create function take_json(json) returns json immutable language sql as $$ select $1 $$;
create function take_text(text) returns text immutable language sql as $$ select $1 $$;
create function take_bytes(bytea) returns integer immutable language sql as $$ select length($1) $$;
create function retire(name text) returns void
  security definer language sql as $$ delete from directors where directors.name = retire.name $$;
create function hire(name text) returns directors
  security definer language sql as $$ insert into directors values (9, name) returning * $$;
create function patient() returns text stable language sql
  set statement_timeout to '7s' set default_transaction_isolation to 'serializable'
  as $$ select current_setting('statement_timeout') || ' ' || current_setting('transaction_isolation') $$;
create function either(a integer) returns text immutable language sql as $$ select 'integer' $$;
create function either(a text) returns text immutable language sql as $$ select 'text' $$;
create domain "text/plain" as text;
create domain "image/png" as bytea;
create domain "*/*" as text;
create function poster() returns "image/png" immutable language sql as $$ select '\x00c3bc41'::bytea $$;
create function motto() returns "text/plain" immutable language sql as $$ select 'Say "cheese"' $$;
create function anything() returns "*/*" immutable language sql as $$ select 'any'::"*/*" $$;
create function add_actor("text/plain", actors) returns "text/plain" immutable language sql
  as $$ select $1 || $2.name || E'\n' $$;
create aggregate list_of(actors) (initcond = '', stype = "text/plain", sfunc = add_actor);
create function teapot() returns text stable language sql as $$
  select set_config('response.status', '418', true) || set_config('response.headers', '[{"X-Pot": "tea"}]', true)
$$;

-- Functions of a film that give rows; the last one takes the place of the foreign key.
create function maker(films) returns setof directors rows 1 stable language sql as
  $$ select * from directors where id = $1.director_id $$;
create function stars(films) returns setof actors stable language sql as
  $$ select a.* from actors a join roles r on r.actor_id = a.id where r.film_id = $1.id and r.character <> 'Extra' $$;

-- A domain that is shown as `#2a`, and read as well without `#`.
create domain shade as integer;
create function "shade 100%"(text) returns shade immutable language sql as
  $$ select ('x' || lpad(ltrim($1, '#'), 8, '0'))::bit(32)::integer::shade $$;
create function "shade 100%"(json) returns shade immutable language sql as $$ select "shade 100%"($1 #>> '{}') $$;
create function shown(shade) returns json immutable language sql as $$ select to_json('#' || to_hex($1)) $$;
create cast (text as shade) with function "shade 100%"(text) as implicit;
create cast (json as shade) with function "shade 100%"(json) as implicit;
create cast (shade as json) with function shown(shade) as implicit;
create table swatches (id integer primary key, shade shade, film_id integer references films);
create function swatches(films) returns setof swatches stable language sql as
  $$ select * from swatches where film_id = $1.id and shade > 0 $$;

insert into directors values (1, 'Kubrick', null), (2, 'Spielberg', 1), (3, 'Nobody', null);
insert into films values
  (1, 'Paths of Glory', 1957, 8.4, '{"colour": false, "takes": [1, 2, 3]}', '{war,drama}', 'war trench', 1),
  (2, 'Barry Lyndon', 1975, 8.1, '{"colour": true, "takes": []}', '{drama}', 'duel card', 1),
  (3, 'Jaws', 1975, 8.1, null, '{}', 'shark beach', 2),
  (4, 'It''s "quoted", (100%) \ 🙂', null, null, '{"a b": {"c": "d"}}', null, null, null);
insert into actors values (1, 'Kirk'), (2, 'Roy'), (3, 'Ryan');
insert into roles values (1, 1, 'Dax'), (3, 2, 'Brody'), (2, 3, 'Barry'), (1, 3, 'Extra');
insert into posters values (1, 'glory.png'), (3, 'jaws.png');
insert into awards values (1, 1, 2), (2, 2, 1);
insert into "odd ""names"" 100%" values (1, 'a', 1), (2, 'b', 3);

insert into swatches values (1, 255, 1), (2, 0, 1), (3, 42, 2);

create function work_mem(actors) returns text stable language sql as $$ select current_setting('work_mem') $$;
create role careful;
alter role careful set statement_timeout = '7s';
alter role careful set work_mem = '5MB';
alter role careful set default_transaction_isolation = 'repeatable read';
grant careful to postgres;

create role reader;
grant usage on schema cinema to reader, careful;
grant select on all tables in schema cinema to reader, careful;
analyze;
