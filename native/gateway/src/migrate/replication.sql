-- A publication of the tables whose writers are read in the log, and no trigger. A database has one source: the other
-- one is taken away, and gateways that listen to it are told.

DROP TABLE IF EXISTS headland.reporter;
DROP FUNCTION IF EXISTS headland.wrote(), headland.changed(), headland.notify_of(oid), headland.take_over(text),
  headland.watch(regclass) CASCADE;
SELECT pg_catalog.pg_notify('headland', 'reporter nobody');

-- Not all tables: Postgres refuses to update or delete rows of a published one that has no replica identity. Of a
-- partitioned table every partition has to have one, and the primary key that gives one to those to come.
--
-- It publishes partitions by their own names: by that of their root, Postgres would leave out a TRUNCATE of one
-- partition.
DO $$
DECLARE
  relation pg_catalog.regclass;
  identified pg_catalog.oid[] := ARRAY(
    SELECT class.oid
    FROM pg_catalog.pg_class AS class
    WHERE class.relkind IN ('r', 'p') AND class.relpersistence = 'p'
      AND class.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
        WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'headland'))
      AND (class.relkind = 'r' AND class.relreplident = 'f' OR EXISTS (
        SELECT FROM pg_catalog.pg_index AS index
        WHERE index.indrelid = class.oid AND index.indisvalid AND index.indimmediate
          AND CASE WHEN class.relkind = 'p' OR class.relreplident = 'd' THEN index.indisprimary
            ELSE class.relreplident = 'i' AND index.indisreplident END)));
  wanted pg_catalog.oid[] := ARRAY(
    SELECT class.oid
    FROM pg_catalog.pg_class AS class
    WHERE class.oid = ANY (identified) AND NOT class.relispartition
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree(class.oid) AS part
        WHERE part.isleaf AND part.relid <> ALL (identified)));
  listed pg_catalog.oid[];
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = 'headland') THEN
    CREATE PUBLICATION headland;
  END IF;
  listed := ARRAY(SELECT prrelid FROM pg_catalog.pg_publication_rel
    WHERE prpubid = (SELECT oid FROM pg_catalog.pg_publication WHERE pubname = 'headland'));
  FOR relation IN SELECT oid FROM unnest(listed) AS oid WHERE oid <> ALL (wanted) LOOP
    EXECUTE pg_catalog.format('ALTER PUBLICATION headland DROP TABLE ONLY %s', relation);
  END LOOP;
  FOR relation IN SELECT oid FROM unnest(wanted) AS oid WHERE oid <> ALL (listed) LOOP
    -- What a transaction wrote before its table was published is not told of, so there must be none that goes on.
    EXECUTE pg_catalog.format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', relation);
    EXECUTE pg_catalog.format('ALTER PUBLICATION headland ADD TABLE ONLY %s', relation);
  END LOOP;
END
$$;
