-- Describes a schema as OpenAPI 2 (https://spec.openapis.org/oas/v2.0.html), in PostgREST's words and order: one row,
-- whose `body` is the document. PostgreSQL 12 to 18; every catalog read here is open to every role.
--
-- $1 the schema; $2 whether only that is described which the role may use; $3 what is said of keys, a JSON array of
-- [relation, column, text]; $4 the relations that take no rows, a JSON array of names; $5 host, $6 base path and $7
-- scheme under which the API is reached; $8 whether tokens are spoken of.
--
-- What has no value is null until the very end, where all such members go.
with recursive

-- As far as privileges count, types of arguments are written as the role may write them on its search path; all
-- else is qualified.
start as materialized (
  select oid, case when not $2::boolean then set_config('search_path', '', true) end
  from pg_catalog.pg_namespace where nspname = $1::text
),

argument as materialized (
  select
    p.oid, u.number, coalesce(u.name, '') as name, format_type(u.type, null) as type,
    u.number <= p.pronargs - p.pronargdefaults as is_required, u.mode = 'v' as is_variadic
  from start s
  join pg_catalog.pg_proc p on p.pronamespace = s.oid
  cross join lateral (
    -- Defaults belong to the last of those that take a value.
    select type, name, mode, row_number() over (order by place) as number
    from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
      with ordinality as each(type, name, mode, place)
    where coalesce(mode, 'i') in ('i', 'b', 'v')
  ) as u
),

-- A function whose only argument has no name takes it from the whole body, if the type allows.
arguments_of as (
  select
    oid, string_agg(name || ' ' || type, ' ' order by number) as text,
    count(*) = count(nullif(name, ''))
      or count(*) = 1 and bool_and(type in ('bytea', 'json', 'jsonb', 'text', 'xml')) as are_callable
  from argument group by oid
),

-- Of functions with the same name, the one with the most arguments.
routine as materialized (
  select distinct on (p.proname) p.oid, p.proname::text as name, p.provolatile, d.description
  from start s
  join pg_catalog.pg_proc p on p.pronamespace = s.oid
  left join arguments_of a on a.oid = p.oid
  left join pg_catalog.pg_description d on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::regclass
  where p.prokind = 'f' and p.prorettype <> 'pg_catalog.trigger'::regtype and coalesce(a.are_callable, true)
    and (not $2::boolean or has_function_privilege(p.oid, 'execute'))
  order by p.proname, p.pronargs desc, d.description collate "C" desc nulls last, a.text collate "C" desc
),

-- In force once all functions are read.
unqualified as materialized (
  select set_config('search_path', '', true) from (select count(*) from routine) as all_of_them
),

relation as materialized (
  select c.oid, c.relname::text as name, d.description, w.value is null as is_writable
  from unqualified
  cross join start s
  join pg_catalog.pg_class c on c.relnamespace = s.oid
  left join pg_catalog.pg_description d
    on d.objoid = c.oid and d.objsubid = 0 and d.classoid = 'pg_catalog.pg_class'::regclass
  left join json_array_elements_text($4::json) w on w.value = c.relname::text
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and (
    not $2::boolean
    or pg_has_role(c.relowner, 'usage')
    or has_table_privilege(c.oid, 'select, insert, update, delete, truncate, references, trigger')
    or has_any_column_privilege(c.oid, 'select, insert, update, references')
  )
),

-- Every type, and the one below all domains.
base as (
  select oid as top, oid, typbasetype, typnamespace from pg_catalog.pg_type
  union all
  select b.top, t.oid, t.typbasetype, t.typnamespace from base b join pg_catalog.pg_type t on t.oid = b.typbasetype
),

attribute as materialized (
  select
    r.oid, a.attnum as number, a.attname::text as name, d.description, e'Note:\n' || (n.value->>2) as note,
    case b.typnamespace when 'pg_catalog'::regnamespace
      then format_type(b.oid, null) else format_type(a.atttypid, a.atttypmod)
    end as type,
    a.attnotnull or t.typnotnull as is_required,
    information_schema._pg_char_max_length(
      case t.typtype when 'd' then t.typbasetype else t.oid end,
      case t.typtype when 'd' then t.typtypmod else a.atttypmod end
    ) as length_max,
    (
      select json_agg(l.enumlabel order by l.enumsortorder) from pg_catalog.pg_enum l where l.enumtypid = b.oid
    ) as labels,
    case
      when a.attgenerated <> '' then null
      when i.adbin is null then pg_get_expr(t.typdefaultbin, 0)
      else pg_get_expr(i.adbin, i.adrelid)
    end as initial
  from relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  join base b on b.top = t.oid and b.typbasetype = 0
  left join pg_catalog.pg_attrdef i on i.adrelid = r.oid and i.adnum = a.attnum
  left join pg_catalog.pg_description d
    on d.objoid = r.oid and d.objsubid = a.attnum and d.classoid = 'pg_catalog.pg_class'::regclass
  left join json_array_elements($3::json) n on n.value->>0 = r.name and n.value->>1 = a.attname::text
),

type_named as (
  select type as name from attribute union select type from argument
),

-- What JSON has for a type, by the type's name, also for elements of arrays.
kind as materialized (
  select
    name,
    case
      when name in ('smallint', 'integer', 'bigint') then 'integer'
      when name in ('numeric', 'real', 'double precision') then 'number'
      when name = 'boolean' then name
      when name in ('json', 'jsonb') then null
      when name like '%[]' then 'array'
      else 'string'
    end as type,
    case when name in ('smallint', 'integer') then 'int32' when name = 'bigint' then 'int64' else name end as format
  from (select name from type_named union select left(name, -2) from type_named) as each
),

shape as materialized (
  select
    k.name, k.type, k.format, e.type as element, e.format as element_format,
    case k.type when 'array' then json_build_object('type', e.type) end as items
  from kind k
  left join kind e on e.name = left(k.name, -2)
),

columns_of as (
  select
    a.oid,
    json_agg(a.name order by a.number) filter (where a.is_required) as required,
    array_agg(a.name order by a.number) as names,
    array_agg(a.description order by a.number) as descriptions,
    json_object_agg(a.name, json_build_object(
      'description', case when a.note is null then a.description else concat(a.description || e'\n\n', a.note) end,
      -- A default is shown if it reads as JSON.
      'default', case
        when s.type is distinct from 'string' then
          case when a.initial ~ '^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$' then a.initial::json end
        when v.text ~ '^([^"\\\x01-\x1f]|\\(["\\/bfnrt]|u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}))*$'
          then ('"' || v.text || '"')::json
      end,
      'enum', a.labels,
      'format', s.format,
      'items', s.items,
      'maxLength', a.length_max,
      'type', s.type
    ) order by a.number) as properties
  from attribute a
  join shape s on s.name = a.type
  cross join lateral (
    select case right(a.initial, length(a.type) + 2) when '::' || a.type
      then btrim(left(a.initial, -length(a.type) - 2), '''') else a.initial
    end as text
  ) as v
  group by a.oid
),

-- A comment's first line is the summary, what follows the description.
relation_described as materialized (
  select
    r.name,
    json_build_object(
      'description', r.description, 'required', c.required, 'properties', c.properties, 'type', 'object'
    ) as definition,
    c.names,
    c.descriptions,
    (
      select json_object_agg(m.method, json_build_object(
        'tags', json_build_array(r.name),
        'summary', split_part(r.description, e'\n', 1),
        'description', nullif(ltrim(substr(r.description, strpos(r.description || e'\n', e'\n')), e'\n'), ''),
        'parameters', (
          select json_agg(json_build_object('$ref', '#/parameters/' || p.name) order by p.number)
          from unnest(
            case when m.has_filters then f.names end || case when m.has_body then 'body.' || r.name end || m.parameters
          ) with ordinality as p(name, number)
          where p.name is not null
        ),
        'responses', m.responses
      ) order by m.number)
      from (values
        (1, 'get', true, false, '{select,order,range,rangeUnit,offset,limit,preferCount}'::text[], json_build_object(
          '200', json_build_object('description', 'OK', 'schema', json_build_object(
            'items', json_build_object('$ref', '#/definitions/' || r.name), 'type', 'array')),
          '206', json_build_object('description', 'Partial Content'))),
        (2, 'post', false, true, '{select,preferPost}', '{"201":{"description":"Created"}}'),
        (3, 'delete', true, false, '{preferReturn}', '{"204":{"description":"No Content"}}'),
        (4, 'patch', true, true, '{preferReturn}', '{"204":{"description":"No Content"}}')
      ) as m(number, method, has_filters, has_body, parameters, responses)
      where m.method = 'get' or r.is_writable
    ) as path
  from relation r
  left join columns_of c on c.oid = r.oid
  cross join lateral (
    select array_agg('rowFilter.' || r.name || '.' || n.name order by n.number) as names
    from unnest(c.names) with ordinality as n(name, number)
  ) as f
),

routine_described as (
  select
    r.name,
    (
      select json_object_agg(m.method, json_build_object(
        'tags', json_build_array('(rpc) ' || r.name),
        'summary', split_part(r.description, e'\n', 1),
        'description', nullif(ltrim(substr(r.description, strpos(r.description || e'\n', e'\n')), e'\n'), ''),
        'produces', '[
          "application/json","application/vnd.pgrst.object+json;nulls=stripped","application/vnd.pgrst.object+json"
        ]'::json,
        'parameters', m.parameters,
        'responses', '{"200":{"description":"OK"}}'::json
      ) order by m.number)
      from (values
        (1, 'get', a.in_query),
        (2, 'post', json_build_array(
          json_build_object('name', 'args', 'required', true, 'in', 'body', 'schema', json_build_object(
            'description', r.description, 'properties', a.properties, 'required', a.required, 'type', 'object')),
          '{"$ref":"#/parameters/preferParams"}'::json))
      ) as m(number, method, parameters)
      where m.method = 'post' or r.provolatile <> 'v'
    ) as path
  from routine r
  left join (
    select
      a.oid,
      json_agg(a.name order by a.number) filter (where a.is_required) as required,
      json_object_agg(a.name, json_build_object('format', s.format, 'items', s.items, 'type', s.type) order by a.number)
        as properties,
      json_agg(case when a.is_variadic
        then json_build_object(
          'name', a.name, 'required', a.is_required, 'collectionFormat', 'multi', 'in', 'query',
          'items', json_build_object('format', s.element_format, 'type', s.element), 'type', coalesce(s.type, 'string'))
        -- A parameter has a type, and an array is written in braces.
        else json_build_object(
          'name', a.name, 'required', a.is_required, 'format', s.format, 'in', 'query',
          'type', coalesce(nullif(s.type, 'array'), 'string'))
      end order by a.number) as in_query
    from argument a
    join shape s on s.name = a.type
    group by a.oid
  ) as a on a.oid = r.oid
),

parameter(rank, relation, number, name, described) as (
  select 1, '', p.number, p.key, json_build_object(
    'name', p.name, 'description', p.description, 'required', false,
    'default', p.initial, 'enum', p.options, 'in', p.place, 'type', 'string')
  from (values
    (1, 'preferParams', 'Prefer', 'Preference', 'header', null::json, null),
    (2, 'preferReturn', 'Prefer', 'Preference', 'header',
      '["return=representation","return=minimal","return=none"]', null),
    (3, 'preferCount', 'Prefer', 'Preference', 'header', '["count=none"]', null),
    (4, 'preferPost', 'Prefer', 'Preference', 'header', '[
      "return=representation","return=minimal","return=none",
      "resolution=ignore-duplicates","resolution=merge-duplicates"
    ]', null),
    (5, 'select', 'select', 'Filtering Columns', 'query', null, null),
    (6, 'on_conflict', 'on_conflict', 'On Conflict', 'query', null, null),
    (7, 'order', 'order', 'Ordering', 'query', null, null),
    (8, 'range', 'Range', 'Limiting and Pagination', 'header', null, null),
    (9, 'rangeUnit', 'Range-Unit', 'Limiting and Pagination', 'header', null, 'items'),
    (10, 'offset', 'offset', 'Limiting and Pagination', 'query', null, null),
    (11, 'limit', 'limit', 'Limiting and Pagination', 'query', null, null)
  ) as p(number, key, name, description, place, options, initial)
  union all
  select 2, r.name, 0, 'body.' || r.name, json_build_object(
    'name', r.name, 'description', r.name, 'required', false, 'in', 'body',
    'schema', json_build_object('$ref', '#/definitions/' || r.name))
  from relation_described r
  union all
  select 2, r.name, c.number, 'rowFilter.' || r.name || '.' || c.name, json_build_object(
    'name', c.name, 'description', c.description, 'required', false, 'in', 'query', 'type', 'string')
  from relation_described r
  cross join lateral unnest(r.names, r.descriptions) with ordinality as c(name, description, number)
),

path(rank, name, described) as (
  select 1, '/', '{"get":{
    "tags":["Introspection"],"summary":"OpenAPI description (this document)",
    "produces":["application/openapi+json","application/json"],"responses":{"200":{"description":"OK"}}
  }}'::json
  union all select 2, '/' || name, path from relation_described
  union all select 3, '/rpc/' || name, path from routine_described
)

select
  json_strip_nulls(json_build_object(
    'swagger', '2.0',
    'info', json_build_object(
      'description', coalesce(
        ltrim(substr(said.text, strpos(said.text || e'\n', e'\n')), e'\n'),
        'This is a dynamic API generated by PostgREST'),
      'title', coalesce(split_part(said.text, e'\n', 1), 'PostgREST API'),
      'version', '16'
    ),
    'host', $5::text,
    'basePath', $6::text,
    'schemes', case when $7::text is not null then json_build_array($7::text) end,
    'consumes', m.types,
    'produces', m.types,
    'paths', (select json_object_agg(name, described order by rank, name collate "C") from path),
    'definitions', (select json_object_agg(name, definition order by name collate "C") from relation_described),
    'parameters', (
      select json_object_agg(name, described order by rank, relation collate "C", number) from parameter
    ),
    'securityDefinitions', case when $8::boolean then '{"JWT":{
      "type":"apiKey","name":"Authorization","in":"header",
      "description":"Add the token prepending \"Bearer \" (without quotes) to it"
    }}'::json end,
    'security', case when $8::boolean then '[{"JWT":[]}]'::json end,
    'externalDocs', '{
      "description":"PostgREST Documentation","url":"https://postgrest.org/en/v16/references/api.html"
    }'::json
  ))::text as body
from
  (select obj_description((select oid from start), 'pg_namespace') as text) as said,
  (
    select '[
      "application/json","application/vnd.pgrst.object+json;nulls=stripped","application/vnd.pgrst.object+json",
      "text/csv"
    ]'::json as types
  ) as m
