-- Milliseconds that a match takes, its compilation included; infinite where the deadline ended it.
CREATE FUNCTION took(pattern text, attack text, ignores_case boolean) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz := clock_timestamp();
BEGIN
    IF ignores_case THEN
        PERFORM attack ~* pattern;
    ELSE
        PERFORM attack ~ pattern;
    END IF;
    RETURN extract(epoch FROM clock_timestamp() - start) * 1000;
EXCEPTION WHEN query_canceled THEN
    RETURN 'infinity';
END $$;

-- Whether it is a pattern.
CREATE FUNCTION is_valid(pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM '' ~ pattern;
    RETURN true;
EXCEPTION WHEN invalid_regular_expression THEN
    RETURN false;
END $$;

CREATE TABLE attacks (id integer PRIMARY KEY, ignores_case boolean, pattern text, attack text);
