-- Describes what the schemas in $1 (a JSON array of names) expose: one row, one column, JSON of the shape that
-- introspection.rs documents. PostgreSQL 13 to 18; every catalog read here is open to every role.
--
-- Each part refers to relations by OID and to columns by attnum, so that no name is written twice. Lists are in the
-- order of OIDs and attnums to make the answer deterministic.
with recursive

-- Types and expressions are written relative to the search path. With an empty one, all that does not lie in
-- pg_catalog is qualified. Every part that writes some joins this row and so runs after the setting is in force; it
-- ends with the transaction.
unqualified as materialized (
  select set_config('search_path', '', true) as path
),

exposed as materialized (
  select n.oid, n.nspname
  from pg_catalog.pg_namespace n
  where n.nspname::text in (select json_array_elements_text($1::json))
),

-- Partitions are left out: their parents stand for them.
relation as materialized (
  select c.oid, e.nspname, c.relname, c.relkind, c.relrowsecurity, c.reltype
  from pg_catalog.pg_class c
  join exposed e on e.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
),

attribute as materialized (
  select a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.atthasdef
  from relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid
  where a.attnum > 0 and not a.attisdropped
),

-- Every type with each modifier that some column gives it; columns refer to its number.
type_used as materialized (
  select row_number() over (order by atttypid, atttypmod) - 1 as number, atttypid, atttypmod
  from (select distinct atttypid, atttypmod from attribute) as pair
),

-- Each type that is used, and all domains below it down to the first type that is none. A domain that is made over
-- another inherits that one's default but not its NOT NULL, and only the innermost knows the modifier.
below as (
  select distinct on (t.oid)
    t.oid as top, t.oid, t.typbasetype, t.typtypmod, -1 as modifier, t.typnotnull as is_not_null, t.typdefaultbin as initial
  from type_used u
  join pg_catalog.pg_type t on t.oid = u.atttypid
  union all
  select b.top, t.oid, t.typbasetype, t.typtypmod, b.typtypmod, b.is_not_null or t.typnotnull, b.initial
  from below b
  join pg_catalog.pg_type t on t.oid = b.typbasetype
  where b.typbasetype <> 0
),

type_described as (
  select
    u.number,
    json_build_array(
      format_type(u.atttypid, u.atttypmod),
      format_type(b.oid, null),
      case when t.typtype = 'b' and t.typelem <> 0 and t.typlen = -1 then 'a' else t.typtype end,
      case when base.typtype = 'b' and base.typelem <> 0 and base.typlen = -1 then 'a' else base.typtype end,
      -- varchar and char count their own four-byte header; bit strings do not.
      case
        when true_modifier.value < 0 then null
        when b.oid in ('varchar'::regtype, 'bpchar'::regtype) then true_modifier.value - 4
        when b.oid in ('bit'::regtype, 'varbit'::regtype) then true_modifier.value
      end,
      (select coalesce(json_agg(l.enumlabel order by l.enumsortorder), '[]') from pg_catalog.pg_enum l where l.enumtypid = b.oid),
      b.is_not_null,
      case when t.typtype = 'd' then pg_get_expr(b.initial, 0) end
    ) as described
  from unqualified
  cross join type_used u
  join below b on b.top = u.atttypid and b.typbasetype = 0
  join pg_catalog.pg_type t on t.oid = u.atttypid
  join pg_catalog.pg_type base on base.oid = b.oid
  cross join lateral (select case when t.typtype = 'd' then b.modifier else u.atttypmod end as value) as true_modifier
),

-- Columns of different relations are often equal (`id`, `created_at`), so each is described once; relations refer to
-- its number.
attribute_typed as materialized (
  select
    a.attrelid, a.attnum, a.attname, u.number as type_number, bits.flags,
    -- Never empty when there is one; so that these can be compared by `=`.
    coalesce(initial.text, '') as initial, coalesce(d.description, '') as description
  from unqualified
  cross join attribute a
  join type_used u on u.atttypid = a.atttypid and u.atttypmod = a.atttypmod
  left join pg_catalog.pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
  left join pg_catalog.pg_description d
    on d.objoid = a.attrelid and d.objsubid = a.attnum and d.classoid = 'pg_catalog.pg_class'::regclass
  cross join lateral (
    select
      case
        when a.attgenerated <> '' then null
        -- The sequence of an identity column is an internal part of the column.
        when a.attidentity = 'd' then (
          select format('nextval(%L)', s.objid::regclass)
          from pg_catalog.pg_depend s
          where s.refclassid = 'pg_catalog.pg_class'::regclass and s.refobjid = a.attrelid and s.refobjsubid = a.attnum
            and s.classid = 'pg_catalog.pg_class'::regclass and s.deptype = 'i'
          limit 1
        )
        else pg_get_expr(e.adbin, e.adrelid)
      end as text
  ) as initial
  cross join lateral (
    select
      case when a.attnotnull then 0 else 1 end
      + case a.attidentity when 'a' then 2 when 'd' then 4 else 0 end
      + case when a.attgenerated <> '' then 8 else 0 end as flags
  ) as bits
),

attribute_numbered as materialized (
  select row_number() over (order by attname, type_number, flags, initial collate "C", description collate "C") - 1 as number, each.*
  from (select distinct attname, type_number, flags, initial, description from attribute_typed) as each
),

column_described as (
  select
    number,
    case
      when initial = '' and description = '' then json_build_array(attname, type_number, flags)
      else json_build_array(attname, type_number, flags, nullif(initial, ''), nullif(description, ''))
    end as described
  from attribute_numbered
),

columns_of as (
  select
    t.attrelid,
    array_agg(n.number order by t.attnum) as numbers,
    -- Only where columns were dropped do attnums differ from places.
    case when max(t.attnum) > count(*) then array_agg(t.attnum order by t.attnum) end as attnums
  from attribute_typed t
  join attribute_numbered n using (attname, type_number, flags, initial, description)
  group by t.attrelid
),

-- What the query of each view reads. A view depends on itself through its rule, which says nothing.
reads as materialized (
  select distinct w.ev_class as view, d.refobjid as source
  from pg_catalog.pg_rewrite w
  join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
  where w.ev_type = '1' and d.refobjid <> w.ev_class
),

-- Foreign tables of a wrapper without handler, and all views on them. Asking whether they can be written is an error, as
-- reading them is.
unusable as (
  select t.ftrelid as oid
  from pg_catalog.pg_foreign_table t
  join pg_catalog.pg_foreign_server s on s.oid = t.ftserver
  join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
  where w.fdwhandler = 0
  union
  select r.view
  from unusable u
  join reads r on r.source = u.oid
),

-- Tables whose rows something may change before it is asked whether they may be stored: a trigger, or a rule.
changing as (
  select t.tgrelid as oid
  from pg_catalog.pg_trigger t
  -- Bits of tgtype: 1 for each row, 2 before, 4 insert, 16 update.
  where not t.tgisinternal and t.tgtype & 3 = 3 and t.tgtype & 20 <> 0
  union
  select w.ev_class
  from pg_catalog.pg_rewrite w
  where w.ev_type <> '1'
),

-- Partitions and other children, of tables; indexes have inheritance of their own.
inherits as materialized (
  select i.inhparent as parent, i.inhrelid as child
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where c.relkind in ('r', 'p', 'f')
),

-- The policies that a reader of a table meets.
policy as materialized (
  select p.oid, p.polrelid, p.polqual
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  where c.relrowsecurity and p.polcmd in ('r', '*')
),

-- What is looked at when a relation is read: by the query of a view, and by the policies of a table. The rows of a
-- materialized view are its own.
looks_at as materialized (
  select r.view as oid, r.source
  from reads r
  join pg_catalog.pg_class c on c.oid = r.view
  where c.relkind = 'v'
  union
  select p.polrelid, d.refobjid
  from policy p
  join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
  where d.refobjid <> p.polrelid
),

made_of as materialized (
  select oid, source as part from looks_at
  union all select parent, child from inherits
),

neighbour as materialized (
  select oid, part as next from made_of
  union all select view, source from reads
  union all select child, parent from inherits
),

-- Whatever the exposed relations are, show, look at, or share rows with, in any schema.
reachable as materialized (
  select oid from relation
  union
  select n.next from reachable r join neighbour n on n.oid = r.oid
),

-- What is evaluated when a relation is read, as Postgres keeps it: nested nodes as text.
evaluated as (
  select r.oid, w.ev_action::text as nodes
  from reachable r
  join pg_catalog.pg_class c on c.oid = r.oid and c.relkind = 'v'
  join pg_catalog.pg_rewrite w on w.ev_class = r.oid and w.ev_type = '1'
  union all
  select r.oid, p.polqual::text
  from reachable r
  join policy p on p.polrelid = r.oid
),

-- The fields of these nodes that decide whether an answer follows from the tables. The special characters of names are
-- escaped, so that none looks like a field. It is quicker to search twice than for everything at once.
found as (
  select distinct e.oid, fields.match[1] as field
  from evaluated e
  cross join lateral (
    -- What is called, also by operators, aggregates and windows; and relations, since who depends on the system's own
    -- is not recorded.
    select regexp_matches(e.nodes, ':(?:func|opfunc|aggfno|winfno|rel)id [0-9]+', 'g') as match
    union all
    select regexp_matches(
      e.nodes,
      -- `current_setting`, and its argument if that is a constant which begins with `request.jwt`: bytes, after four of
      -- their number.
      ':(?:op)?funcid (?:2077|3294) (?:[^{}]*:args \(\{CONST [^{}]*\[ (?:-?[0-9]+ ){4}114 101 113 117 101 115 116 46 106 119 116 )?'
      -- What a value becomes by way of text. Other nodes that change a type have a modifier in between.
      || '|:resulttype [0-9]+ :resultcollid'
      -- `current_date`, `current_user` and the like; samples; what reads parts of a document as values of any type.
      || '|\{(?:SQLVALUEFUNCTION :op [0-9]+|TABLESAMPLECLAUSE|TABLEFUNC|JSONEXPR) '
      -- The system's columns, but not `tableoid`.
      || '|:varattno -[1-5] ',
      'g'
    )
  ) as fields
),

-- With what is called by the aggregates of users, who need not say that it is volatile. Lower OIDs are the system's own.
field as materialized (
  select oid, field from found
  union
  select f.oid, ':funcid ' || called
  from found f
  join pg_catalog.pg_aggregate a on a.aggfnoid = substring(f.field from '^:(?:agg|win)fnoid ([0-9]+)')::oid
  cross join unnest(array[a.aggtransfn, a.aggcombinefn, a.aggfinalfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::oid[]) as called
  where a.aggfnoid >= 16384 and called <> 0
),

field_parsed as materialized (
  select
    field,
    substring(field from '^:(?:func|opfunc|aggfno|winfno)id ([0-9]+)$')::oid as function,
    substring(field from '^:relid ([0-9]+)$')::oid as relation,
    substring(field from '^:resulttype ([0-9]+)')::oid as type,
    substring(field from ' :op ([0-9]+)')::int as keyword,
    field like ':%funcid % 116 ' as is_claim
  from (select distinct field from field) as each
),

-- Types for which a text always means the same value, and arrays of them: not dates, of which one may be `today`, nor
-- types made of others, nor names of the system's objects.
steady_type as materialized (
  select t.oid
  from pg_catalog.pg_type t
  left join pg_catalog.pg_type e on e.oid = t.typelem and t.typlen = -1
  join pg_catalog.pg_proc p on p.oid = coalesce(e.typinput, t.typinput)
  where p.provolatile = 'i' or coalesce(e.typtype, t.typtype) = 'e' or coalesce(e.oid, t.oid) = 'interval'::regtype
),

-- Functions of users, called or not known to be immutable, that a look at their text shows to be made of their
-- arguments, constants and claims. Each step takes out what is harmless: pairs of quotes, which leave every string
-- between two single ones; strings; settings that are claims; keywords, and types that are not called like functions.
-- Only signs may be left. A comment, a quoted name and an escape leave more than that.
plain_function as materialized (
  select p.oid
  from field_parsed f
  join pg_catalog.pg_proc p on p.oid = f.function
  join pg_catalog.pg_language l on l.oid = p.prolang
  join steady_type t on t.oid = p.prorettype
  cross join lateral (select replace(lower(p.prosrc), '''''', '') as text) as body
  cross join lateral (select regexp_replace(body.text, '''(request\.jwt)?[^''\\]*''', '#\1', 'g') as text) as unquoted
  cross join lateral (
    select regexp_replace(unquoted.text, '\ycurrent_setting\s*\(\s*#request\.jwt', '(', 'g') as text
  ) as unset
  cross join lateral (
    select regexp_replace(
      unset.text,
      '\y(?:select|as|case|when|then|else|end|and|or|not|is|null|true|false|in|like|between|begin|return|exception|others'
      || '|cast|coalesce|nullif|lower|upper|trim|btrim|current_role|current_user|pg_catalog)\y'
      || '|\y(?:bool|boolean|int|int[248]|integer|smallint|bigint|numeric|text|varchar|uuid|jsonb?)\y(?!\s*\()',
      '', 'g'
    ) as text
  ) as rest
  where p.oid >= 16384 and p.provolatile = 's' and l.lanname in ('sql', 'plpgsql') and p.prosrc <> ''
    and rest.text ~ '^(?:[\s\d#()\[\].,:;=<>!|&?+*%/-]|\$\d)*$' and rest.text !~ '--|/\*'
),

called as materialized (
  select
    p.oid, p.prosrc, p.proname,
    case
      -- What it is called with is a field of its own.
      when p.oid in (2077, 3294) then true
      -- A call does not mention the defaults that it leaves out.
      when p.proargdefaults::text ~ '\{(?!CONST )' then false
      when p.prokind = 'a' or p.provolatile = 'i' then true
      when p.oid >= 16384 then p.oid in (select oid from plain_function)
      -- Of the system's stable functions those that depend on settings of how values are written and on what DDL may
      -- change, but not on a clock, a state, or more tables. `timetz` is not among them, as its offset may be today's;
      -- nor is what makes records of JSON, in which a text may say `now`.
      else p.provolatile = 's' and p.proname ~ ('^(?:concat(_ws)?|format|textanycat|anytextcat|quote_(literal|nullable)|pg_typeof'
        || '|to_(char|date|number|timestamp)|numeric|money|length|convert(_from|_to)?|enum_(first|last|range)'
        || '|to_jsonb?|row_to_json|array_to_(json|string)|jsonb?_build_(array|object)'
        || '|(to|plainto|phraseto|websearch_to)_ts(query|vector)|jsonb?_to_tsvector|ts_headline|ts_match_t[tq]'
        || '|date|time|(make_)?timestamp(tz)?|(date|timestamp|timestamptz)_(?!in$).*|interval_pl_timestamptz|extract|overlaps'
        || '|generate_series)$')
    end as is_steady
  from field_parsed f
  join pg_catalog.pg_proc p on p.oid = f.function
),

-- For each field: whether it says the same as long as the tables, the role and the claims are the same, and whether it
-- may say what the claims are.
judged as materialized (
  select
    f.field,
    case
      when f.is_claim then true
      when f.function is not null then coalesce(p.is_steady, false)
      when f.relation is not null then f.relation = 0 or f.relation >= 16384
      when f.type is not null then f.type in (select oid from steady_type)
      -- The role, by three names, and the database.
      when f.keyword is not null then f.keyword in (9, 10, 11, 13)
      else false
    end as is_steady,
    case
      when f.is_claim then true
      when p.oid >= 16384 then not p.is_steady or p.prosrc ~* 'jwt|current_setting|\yauth\y'
      -- The others read what their text says.
      else p.proname ~ '^(?:current_setting|ts_stat|ts_rewrite)$|_to_xml'
    end as may_read_claims
  from field_parsed f
  left join called p on p.oid = f.function
),

-- Whose answer may become another without a write to one of its tables.
undetermined as materialized (
  select r.oid
  from reachable r
  join pg_catalog.pg_class c on c.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  -- Neither temporary nor unlogged: a crash empties the latter.
  where c.relkind not in ('r', 'p', 'v', 'm') or c.relpersistence <> 'p' or n.nspname in ('pg_catalog', 'information_schema')
  union
  select f.oid from field f join judged j on j.field = f.field where not j.is_steady
  union
  select m.oid from undetermined u join made_of m on m.part = u.oid
),

claiming as materialized (
  select r.oid from reachable r join pg_catalog.pg_class c on c.oid = r.oid where c.relrowsecurity
  union
  select f.oid from field f join judged j on j.field = f.field where j.may_read_claims
  union
  select m.oid from claiming c join made_of m on m.part = c.oid
),

-- Whose writes are told of: a table's by the trigger that `headland migrate` gives it, for all statements that write
-- (bits of tgtype: 4 insert, 8 delete, 16 update, 32 truncate), or by the log, if the publication has it or what it is
-- a partition of; a materialized view's by the event trigger, as its refresh is DDL.
watched as materialized (
  select t.tgrelid as oid
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where t.tgname = 'headland' and t.tgenabled in ('O', 'A') and t.tgtype = 60 and n.nspname = 'headland' and p.proname = 'wrote'
  union all
  select r.oid
  from reachable r
  join pg_catalog.pg_class c on c.oid = r.oid and c.relkind = 'm'
  where exists (select from pg_catalog.pg_event_trigger where evtname = 'headland' and evtenabled in ('O', 'A'))
  union
  select coalesce(t.relid, r.prrelid)
  from pg_catalog.pg_publication p
  join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
  left join lateral pg_catalog.pg_partition_tree(r.prrelid) t on true
  where p.pubname = 'headland' and p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate
),

relation_described as (
  select
    r.oid,
    json_build_array(
      r.oid::bigint,
      r.nspname,
      r.relname,
      r.relkind,
      -- pg_relation_is_updatable gives a bit for each of Postgres' commands: 4 update, 8 insert, 16 delete.
      case
        when r.relkind in ('r', 'p') then 7
        when r.relkind in ('v', 'f') and r.oid not in (select oid from unusable) then (
          select sign(can & 8)::int + 2 * sign(can & 4)::int + 4 * sign(can & 16)::int
          from (select pg_relation_is_updatable(r.oid, true) as can) as bits
        )
        else 0
      end
      + case when r.relrowsecurity then 8 else 0 end
      + case when w.oid is null then 0 else 16 end
      -- What partitions and foreign servers do with their rows is not looked at.
      + case when r.relkind = 'r' and r.oid not in (select oid from changing) then 32 else 0 end
      + case when u.oid is null then 64 else 0 end
      + case when a.oid is null then 0 else 128 end,
      d.description,
      coalesce(c.numbers, '{}'),
      c.attnums
    ) as described
  from relation r
  left join columns_of c on c.attrelid = r.oid
  left join watched w on w.oid = r.oid
  left join undetermined u on u.oid = r.oid
  left join claiming a on a.oid = r.oid
  left join pg_catalog.pg_description d
    on d.objoid = r.oid and d.objsubid = 0 and d.classoid = 'pg_catalog.pg_class'::regclass
),

other_described as (
  select
    c.oid,
    json_build_array(
      c.oid::bigint,
      n.nspname,
      c.relname,
      c.relkind,
      case when c.relrowsecurity then 8 else 0 end + case when w.oid is null then 0 else 16 end
    ) as described
  from reachable r
  join pg_catalog.pg_class c on c.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join watched w on w.oid = r.oid
  where not exists (select from relation e where e.oid = r.oid)
),

key_described as (
  select k.conrelid, json_build_array(k.conrelid::bigint, k.conkey) as described
  from reachable r
  join pg_catalog.pg_constraint k on k.conrelid = r.oid
  where k.contype = 'p'
),

-- A foreign key that was made for a partition has a parent, which stands for it.
foreign_key_described as (
  select
    f.conrelid, f.conname,
    json_build_array(
      f.conname, f.conrelid::bigint, f.confrelid::bigint, f.conkey, f.confkey,
      exists (
        select from pg_catalog.pg_constraint u
        where u.conrelid = f.conrelid and u.contype in ('p', 'u') and u.conkey @> f.conkey and u.conkey <@ f.conkey
      )
    ) as described
  from reachable r
  join pg_catalog.pg_constraint f on f.conrelid = r.oid
  where f.contype = 'f' and f.conparentid = 0 and f.confrelid in (select oid from reachable)
),

-- Which column of which relation each column of a view shows is in the parsed query that Postgres keeps for it, as
-- text: nested nodes in braces, in which a target entry has the fields `resno`, the view's column, and `resorigtbl` and
-- `resorigcol`, where it comes from (0 unless it is a bare column). Here the text is cut down to its braces and these
-- three numbers, marked by control characters; view.rs reads the rest.
view_described as (
  select w.ev_class, json_build_array(w.ev_class::bigint, outline.text) as described
  from reachable r
  join pg_catalog.pg_rewrite w on w.ev_class = r.oid and w.ev_type = '1'
  join pg_catalog.pg_class c on c.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  -- A name is written with its special characters escaped. Without them, each brace that is left is one of a node.
  cross join lateral (
    select translate(
      case strpos(w.ev_action::text, '\') when 0 then w.ev_action::text else regexp_replace(w.ev_action::text, '\\.', '', 'g') end,
      e'\x01\x02\x03', '') as text
  ) as escaped
  cross join lateral (
    select replace(replace(replace(escaped.text,
      ' :resno ', e'\x01'), ' :resorigtbl ', e'\x02'), ' :resorigcol ', e'\x03') as text
  ) as marked
  cross join lateral (
    select regexp_replace(marked.text, '([\x01-\x03][0-9]+)|[^{}\x01-\x03]+', '\1', 'g') as text
  ) as kept
  -- Nodes with nothing left in them go, innermost first; a few rounds take nearly all.
  cross join lateral (
    select replace(replace(replace(replace(replace(replace(replace(replace(
      kept.text, '{}', ''), '{}', ''), '{}', ''), '{}', ''), '{}', ''), '{}', ''), '{}', ''), '{}', '') as text
  ) as pruned
  cross join lateral (
    select translate(pruned.text, e'\x01\x02\x03', '#@.') as text
  ) as outline
  where n.nspname not in ('pg_catalog', 'information_schema')
),

exposed_function as materialized (
  select e.nspname, p.*
  from exposed e
  join pg_catalog.pg_proc p on p.pronamespace = e.oid
  where p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
),

-- What can be called: of these the ones whose parameters all have names, or that have a single one which
-- takes a whole body. Parameters are numbered among those that take a value, since defaults belong to the last.
function as materialized (
  select p.oid, p.nspname, p.proname, p.prorettype, p.proretset, p.provolatile, p.proargmodes, p.proconfig, taken.*
  from exposed_function p
  cross join lateral (
    select
      coalesce(array_agg(coalesce(name, '') order by place), '{}') as names,
      coalesce(array_agg(type order by place), '{}') as types,
      count(nullif(name, '')) as names_count, p.pronargs - p.pronargdefaults as required, p.provariadic <> 0 as is_variadic
    from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
      with ordinality as argument (type, name, mode, place)
    where coalesce(mode, 'i') in ('i', 'b', 'v')
  ) as taken
  where taken.names_count = p.pronargs
    or p.pronargs = 1 and taken.types[1] in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype)
),

-- The types that are returned, and what lies below those of them that are domains.
returned as (
  select t.oid as top, t.oid, t.typbasetype
  from pg_catalog.pg_type t
  where t.oid in (select prorettype from function)
  union all
  select r.top, t.oid, t.typbasetype
  from returned r
  join pg_catalog.pg_type t on t.oid = r.typbasetype
),

function_described as (
  select
    f.oid,
    case
      when has_out is true or f.proconfig is not null
      then json_build_array(f.nspname, f.proname, n.nspname, t.typname, bits.flags, d.description, parameters.described, columns.described, settings.described)
      else json_build_array(f.nspname, f.proname, n.nspname, t.typname, bits.flags, d.description, parameters.described)
    end as described
  from unqualified
  cross join function f
  join returned r on r.top = f.prorettype and r.typbasetype = 0
  join pg_catalog.pg_type t on t.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_description d
    on d.objoid = f.oid and d.objsubid = 0 and d.classoid = 'pg_catalog.pg_proc'::regclass
  cross join lateral (select f.proargmodes::text[] && '{t,b,o}' as has_out) as modes
  cross join lateral (
    select
      case when f.is_variadic then 1 else 0 end
      + case when t.typtype = 'c' or modes.has_out is true then 2 else 0 end
      + case when f.proretset then 4 else 0 end
      + case f.provolatile when 'v' then 8 when 's' then 16 else 0 end as flags
  ) as bits
  cross join lateral (
    select coalesce(json_agg(json_build_array(
      name, format_type(type, null),
      case when place <= f.required then 1 else 0 end + case when f.is_variadic and place = cardinality(f.types) then 2 else 0 end
    ) order by place), '[]') as described
    from unnest(f.names, f.types) with ordinality as parameter (name, type, place)
  ) as parameters
  cross join lateral (
    select coalesce(json_agg(json_build_array(coalesce(name, ''), format_type(type, null)) order by place), '[]') as described
    from pg_catalog.pg_proc p
    cross join unnest(p.proallargtypes, p.proargnames, p.proargmodes) with ordinality as argument (type, name, mode, place)
    where p.oid = f.oid and mode in ('t', 'b', 'o')
  ) as columns
  cross join lateral (
    select coalesce(json_agg(json_build_array(
      split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
    ) order by place), '[]') as described
    from unnest(f.proconfig) with ordinality as each (setting, place)
  ) as settings
),

-- Functions of one row that return rows.
computed_described as (
  select
    p.oid,
    json_build_array(source.oid::bigint, target.oid::bigint, p.nspname, p.proname, not p.proretset or p.prorows = 1) as described
  from exposed_function p
  join relation source on source.reltype = p.proargtypes[0]
  join relation target on target.reltype = p.prorettype
  where p.pronargs = 1
),

-- Casts between a domain and `json`, or from `text`. Postgres itself ignores those of domains; they say how the API
-- shows values of the domain and reads them.
representation_described as (
  select
    u.number,
    json_build_array(
      u.number,
      max(c.castfunc::regproc::text) filter (where c.castsource = u.atttypid and c.casttarget = 'json'::regtype),
      max(c.castfunc::regproc::text) filter (where c.casttarget = u.atttypid and c.castsource = 'json'::regtype),
      max(c.castfunc::regproc::text) filter (where c.casttarget = u.atttypid and c.castsource = 'text'::regtype)
    ) as described
  from unqualified
  cross join type_used u
  join pg_catalog.pg_type t on t.oid = u.atttypid and t.typtype = 'd'
  join pg_catalog.pg_cast c
    on c.castsource = u.atttypid and c.casttarget = 'json'::regtype
    or c.casttarget = u.atttypid and c.castsource in ('json'::regtype, 'text'::regtype)
  where c.castcontext = 'i' and c.castmethod = 'f' and has_function_privilege(c.castfunc, 'execute')
  group by u.number
),

-- Domains that are named like a media type.
media_type as materialized (
  select t.oid, n.nspname, t.typname, t.typbasetype = 'bytea'::regtype as is_binary
  from pg_catalog.pg_type t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  where t.typtype = 'd' and (t.typname ~ '^[A-Za-z0-9.-]+/[A-Za-z0-9.+-]+$' or t.typname = '*/*')
),

-- What gives bodies of such types: aggregates over the rows of a relation, or of any; and functions, whose result has
-- only to be cast.
handler_described as (
  select
    p.oid,
    case p.prokind
      when 'a' then json_build_array(m.typname, e.nspname, p.proname, r.nspname, r.relname, m.is_binary)
      else json_build_array(m.typname, m.nspname, m.typname, e.nspname, p.proname, m.is_binary)
    end as described
  from media_type m
  join pg_catalog.pg_proc p on p.prorettype = m.oid
  join exposed e on e.oid = p.pronamespace
  left join relation r on r.reltype = p.proargtypes[0]
  where p.prokind = 'f' and not p.proretset
    or p.prokind = 'a' and p.pronargs = 1 and (r.oid is not null or p.proargtypes[0] = 'anyelement'::regtype)
),

-- What `ALTER ROLE … SET` says for the roles that the one who asks may become.
role_setting as materialized (
  select
    r.rolname,
    substr(setting, 1, strpos(setting, '=') - 1) as name,
    substr(setting, strpos(setting, '=') + 1) as value
  from pg_catalog.pg_roles itself
  join pg_catalog.pg_auth_members m on m.member = itself.oid
  join pg_catalog.pg_roles r on r.oid = m.roleid
  cross join unnest(r.rolconfig) as setting
  where itself.rolname = current_user
),

role_described as (
  select
    s.rolname,
    json_build_array(
      s.rolname,
      max(lower(s.value)) filter (where s.name = 'default_transaction_isolation'),
      coalesce(
        json_agg(json_build_array(s.name, s.value) order by s.name) filter (where s.name <> 'default_transaction_isolation'),
        '[]'
      )
    ) as described
  from role_setting s
  join pg_catalog.pg_settings known on known.name = s.name
  where known.context = 'user' or case
    when current_setting('server_version_num')::int >= 150000 then exists (
      -- Older servers have no such function, so its name may only be in a text that is run: ts_stat runs one.
      select from ts_stat(
        format('select array_to_tsvector(array[%L]) where has_parameter_privilege(%L, %L)', 'yes', s.name, 'set')
      )
    )
  end
  group by s.rolname
)

select json_build_object(
  'types', (select coalesce(json_agg(described order by number), '[]') from type_described),
  'columns', (select coalesce(json_agg(described order by number), '[]') from column_described),
  'relations', (select coalesce(json_agg(described order by oid), '[]') from relation_described),
  'others', (select coalesce(json_agg(described order by oid), '[]') from other_described),
  'keys', (select coalesce(json_agg(described order by conrelid), '[]') from key_described),
  'foreign_keys', (select coalesce(json_agg(described order by conrelid, conname), '[]') from foreign_key_described),
  'views', (select coalesce(json_agg(described order by ev_class), '[]') from view_described),
  'reads', (
    select coalesce(json_agg(json_build_array(oid::bigint, source::bigint) order by oid, source), '[]')
    from looks_at where oid in (select oid from reachable)
  ),
  'inherits', (
    select coalesce(json_agg(json_build_array(parent::bigint, child::bigint) order by parent, child), '[]')
    from inherits where parent in (select oid from reachable)
  ),
  'functions', (select coalesce(json_agg(described order by oid), '[]') from function_described),
  'computed', (select coalesce(json_agg(described order by oid), '[]') from computed_described),
  'representations', (select coalesce(json_agg(described order by number), '[]') from representation_described),
  'handlers', (select coalesce(json_agg(described order by oid), '[]') from handler_described),
  'roles', (select coalesce(json_agg(described order by rolname), '[]') from role_described)
)::text as body, pg_current_snapshot()::text as snapshot
