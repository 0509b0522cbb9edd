-- Triggers that tell who writes what, and whom they tell it. All of it lies in the schema and goes with it. A database
-- has one source: the other one is taken away.

DROP PUBLICATION IF EXISTS headland;

-- The gateway whose writes report themselves, so that the database need not notify of them. 'shared' is none's: there are
-- several gateways, and each of them has to hear of every write.
CREATE TABLE IF NOT EXISTS headland.reporter (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  name text NOT NULL DEFAULT ''
);
INSERT INTO headland.reporter DEFAULT VALUES ON CONFLICT DO NOTHING;
GRANT SELECT ON headland.reporter TO PUBLIC;

-- A notification of this transaction: its number, a snapshot that it had, and what it wrote. A snapshot that is too long
-- for a payload is cut to less.
CREATE OR REPLACE FUNCTION headland.notify_of(relation oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  seen pg_catalog.text := pg_catalog.pg_current_snapshot();
BEGIN
  IF pg_catalog.length(seen) > 4000 THEN
    seen := pg_catalog.concat(pg_catalog.split_part(seen, ':', 1), ':', pg_catalog.split_part(seen, ':', 1), ':');
  END IF;
  PERFORM pg_catalog.pg_notify('headland',
    pg_catalog.concat_ws(' ', 'wrote', pg_catalog.pg_current_xact_id(), seen, relation));
END
$$;

-- A transaction that comes through a gateway leaves it a note of what it wrote. The one whose gateway reports to all, as there
-- is no other, needs no notification. The lock is held by such a transaction until it has ended, and by a gateway while it takes
-- over, so that the one that reports cannot change in between. With a snapshot that is older than the lock the name could be an
-- old one: only READ COMMITTED takes a new one for each statement.
CREATE OR REPLACE FUNCTION headland.wrote() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  -- Of a partitioned table all parts are one.
  relation pg_catalog.oid := coalesce(pg_catalog.pg_partition_root(TG_RELID), TG_RELID);
  sender pg_catalog.text := pg_catalog.current_setting('headland.reporter', true);
  noted pg_catalog.text;
BEGIN
  IF sender OPERATOR(pg_catalog.<>) '' THEN
    noted := pg_catalog.concat(pg_catalog.current_setting('headland.wrote', true), ' ');
    IF pg_catalog.strpos(noted, pg_catalog.concat(' ', relation, ' ')) OPERATOR(pg_catalog.=) 0 THEN
      PERFORM pg_catalog.set_config('headland.wrote', pg_catalog.concat(noted, relation), true);
    END IF;
    IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed'
      AND pg_catalog.pg_try_advisory_xact_lock_shared(4853721926001) THEN
      IF (SELECT reporter.name OPERATOR(pg_catalog.=) sender FROM headland.reporter) THEN
        RETURN NULL;
      END IF;
    END IF;
  END IF;
  PERFORM headland.notify_of(relation);
  RETURN NULL;
END
$$;

-- Waits for the writes that another gateway was to report, and has all others notified of.
CREATE OR REPLACE FUNCTION headland.take_over(name text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(4853721926001);
  UPDATE headland.reporter SET name = take_over.name;
  PERFORM pg_notify('headland', concat('reporter ', name));
END
$$;

CREATE OR REPLACE FUNCTION headland.watch(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid OPERATOR(pg_catalog.=) relation AND tgname = 'headland') THEN
    EXECUTE pg_catalog.format('CREATE TRIGGER headland AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
      'FOR EACH STATEMENT EXECUTE FUNCTION headland.wrote()', relation);
  END IF;
END
$$;

-- DDL is a write to everything, which is what 0 stands for. A new table is watched from its first row.
CREATE OR REPLACE FUNCTION headland.changed() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM headland.watch(objid)
  FROM pg_catalog.pg_event_trigger_ddl_commands()
  WHERE command_tag IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE FOREIGN TABLE', 'IMPORT FOREIGN SCHEMA')
    AND object_type IN ('table', 'foreign table') AND schema_name IS DISTINCT FROM 'pg_temp';
  PERFORM headland.notify_of(0);
END
$$;

SELECT headland.watch(class.oid) FROM pg_catalog.pg_class AS class
WHERE class.relkind IN ('r', 'p', 'f') AND class.relpersistence <> 't'
  AND class.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
    WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'headland'));

-- Only a superuser may have these. Without them DDL is seen by looking (`--catalog-watch`).
DO $$
BEGIN
  DROP EVENT TRIGGER IF EXISTS headland;
  CREATE EVENT TRIGGER headland ON ddl_command_end EXECUTE FUNCTION headland.changed();
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'no event trigger: only a superuser may create one';
END
$$;
