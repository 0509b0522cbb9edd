-- What either source of writers needs: a schema, and a name for the history of the database.

SET client_min_messages = warning;

CREATE SCHEMA IF NOT EXISTS headland;
GRANT USAGE ON SCHEMA headland TO PUBLIC;

-- Which history of the database this is. A server that crashes may give numbers again that it has given to transactions which
-- left nothing on disk. It also empties unlogged tables then, so what comes after has another name.
CREATE UNLOGGED TABLE IF NOT EXISTS headland.history (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  name uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid()
);

-- Its name, which the first to ask for it makes up.
CREATE OR REPLACE FUNCTION headland.history() RETURNS text LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM headland.history) THEN
    INSERT INTO headland.history DEFAULT VALUES ON CONFLICT DO NOTHING;
  END IF;
  RETURN (SELECT history.name FROM headland.history);
END
$$;

