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

create role reader;
grant usage on schema cinema to reader;
grant select on all tables in schema cinema to reader;
analyze;
