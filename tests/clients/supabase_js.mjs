// Supabase's whole client, unmodified: everything that it can ask of a database.
//
// Usage: node supabase_js.mjs http://… JWT_SECRET postgresql://superuser…
// It makes tables and functions of its own, and removes them. The policy in force must allow plans and `tx=rollback`.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import pg from 'pg'

const [url, secret, database] = process.argv.slice(2)

const TABLES = `
  create table public.sj_shelves (id int primary key, name text not null);
  create table public.sj_books (
    id int primary key, shelf_id int references public.sj_shelves, title text not null unique, pages int,
    tags text[] not null default '{}', on_loan daterange, extra jsonb, note text default 'new', owner text
  );
  alter table public.sj_books enable row level security;
  create policy readers on public.sj_books for select using (true);
  create policy owners on public.sj_books for all to authenticated
    using (owner is null or owner = current_setting('request.jwt.claims')::json->>'sub')
    with check (owner is null or owner = current_setting('request.jwt.claims')::json->>'sub');
  insert into public.sj_shelves values (1, 'novels'), (2, 'poems'), (3, 'empty');
  insert into public.sj_books (id, shelf_id, title, pages, tags, on_loan, extra, owner) values
    (1, 1, 'Middlemarch', 880, '{long,english}', '[2026-01-01,2026-02-01)', '{"prize": {"year": 1990}}', null),
    (2, 1, 'Emma', 474, '{english}', '[2026-03-01,2026-04-01)', null, null),
    (3, 2, 'Duino Elegies', 96, '{german,short}', null, '{"prize": null}', null),
    (4, null, 'The Waves', 228, '{english,short}', '[2026-01-15,2026-03-15)', '{}', 'somebody else');
  create function public.sj_add(a int, b int default 10) returns int immutable language sql as 'select a + b';
  create function public.sj_longer(than int) returns setof public.sj_books stable language sql
    as 'select * from public.sj_books where pages > than';
  create function public.sj_rename(book int, name text) returns void language sql
    as 'update public.sj_books set title = name where id = book';
  create function public.sj_sum(numbers int[]) returns bigint immutable language sql as 'select sum(n) from unnest(numbers) n';
  create function public.sj_fail() returns void language plpgsql
    as $$ begin raise sqlstate 'PT418' using message = 'short and stout', detail = 'a pot', hint = 'pour'; end $$;
`
const GONE = `
  drop function if exists public.sj_add, public.sj_longer, public.sj_rename, public.sj_sum, public.sj_fail;
  drop table if exists public.sj_books, public.sj_shelves;
`

/** A token of these claims. */
function token(claims) {
  const part = (value) => Buffer.from(value).toString('base64url')
  const text = `${part('{"alg":"HS256","typ":"JWT"}')}.${part(JSON.stringify(claims))}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const anonKey = token({ role: 'anon' })
const options = { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } }
const anon = createClient(url, anonKey, options)
const ada = createClient(url, anonKey, { accessToken: async () => token({ role: 'authenticated', sub: 'ada' }) })

/** What a request that must succeed gives. */
async function done(request) {
  const { data, error, status, count } = await request
  assert.equal(error, null, `status ${status}: ${JSON.stringify(error)}`)
  return { data, status, count }
}

async function data(request) {
  return (await done(request)).data
}

/** What a request that must fail says. */
async function refused(request, status, code) {
  const reply = await request
  assert.equal(reply.status, status, JSON.stringify(reply))
  assert.equal(reply.error.code, code, JSON.stringify(reply))
  assert.equal(reply.data, null)
  assert.deepEqual(Object.keys(reply.error).filter((key) => key !== 'name').sort(), ['code', 'details', 'hint', 'message'])
  return reply.error
}

/** The titles that a filter leaves. */
async function titles(filter) {
  return (await data(filter(anon.from('sj_books').select('title')).order('id'))).map((book) => book.title)
}

const tests = {
  async reads() {
    const books = await data(
      anon.from('sj_books').select('title, size:pages, shelf:sj_shelves(name)').order('pages', { ascending: false }).limit(2),
    )
    assert.deepEqual(books, [
      { title: 'Middlemarch', size: 880, shelf: { name: 'novels' } },
      { title: 'Emma', size: 474, shelf: { name: 'novels' } },
    ])
    const shelves = await data(
      anon.from('sj_shelves').select('name, books:sj_books!inner(title)').gt('books.pages', 90)
        .order('id').order('title', { referencedTable: 'books', ascending: false }).limit(1, { referencedTable: 'books' }),
    )
    assert.deepEqual(shelves, [
      { name: 'novels', books: [{ title: 'Middlemarch' }] },
      { name: 'poems', books: [{ title: 'Duino Elegies' }] },
    ])
    const spread = await data(anon.from('sj_books').select('title, ...sj_shelves(shelf:name)').eq('id', 3).single())
    assert.deepEqual(spread, { title: 'Duino Elegies', shelf: 'poems' })
    const page = await data(anon.from('sj_books').select('id').order('id').range(1, 2))
    assert.deepEqual(page, [{ id: 2 }, { id: 3 }])
    const nulls = await data(anon.from('sj_books').select('id').order('shelf_id', { nullsFirst: true }).order('id').limit(1))
    assert.deepEqual(nulls, [{ id: 4 }])
    const json = await data(anon.from('sj_books').select('year:extra->prize->>year').eq('id', 1).single())
    assert.deepEqual(json, { year: '1990' })
    const stripped = await data(anon.from('sj_books').select('id, shelf_id').eq('id', 4).stripNulls())
    assert.deepEqual(stripped, [{ id: 4 }])
  },

  async filters() {
    const all = ['Middlemarch', 'Emma', 'Duino Elegies', 'The Waves']
    const rows = [
      [(q) => q.eq('id', 1), [all[0]]],
      [(q) => q.neq('id', 1), all.slice(1)],
      [(q) => q.gt('pages', 228), all.slice(0, 2)],
      [(q) => q.gte('pages', 228), [all[0], all[1], all[3]]],
      [(q) => q.lt('pages', 228), [all[2]]],
      [(q) => q.lte('pages', 228), all.slice(2)],
      [(q) => q.like('title', '%m%'), [all[0], all[1]]],
      [(q) => q.likeAllOf('title', ['%m%', 'E%']), [all[1]]],
      [(q) => q.likeAnyOf('title', ['M%', 'E%']), [all[0], all[1]]],
      [(q) => q.ilike('title', 'e%'), [all[1]]],
      [(q) => q.ilikeAllOf('title', ['%E%', '%w%']), [all[3]]],
      [(q) => q.ilikeAnyOf('title', ['d%', 't%']), all.slice(2)],
      [(q) => q.regexMatch('title', '^[DE]'), [all[1], all[2]]],
      [(q) => q.regexIMatch('title', '^the'), [all[3]]],
      [(q) => q.is('shelf_id', null), [all[3]]],
      [(q) => q.isDistinct('shelf_id', 1), all.slice(2)],
      [(q) => q.in('title', ['Emma', 'The Waves', 'a,b"c']), [all[1], all[3]]],
      [(q) => q.contains('tags', ['english', 'short']), [all[3]]],
      [(q) => q.contains('extra', { prize: { year: 1990 } }), [all[0]]],
      [(q) => q.containedBy('tags', ['english', 'german']), [all[1]]],
      [(q) => q.overlaps('tags', ['german', 'long']), [all[0], all[2]]],
      [(q) => q.rangeGt('on_loan', '[2026-01-01,2026-02-01)'), [all[1]]],
      [(q) => q.rangeGte('on_loan', '[2026-01-15,2026-02-01)'), [all[1], all[3]]],
      [(q) => q.rangeLt('on_loan', '[2026-03-01,2026-04-01)'), [all[0]]],
      [(q) => q.rangeLte('on_loan', '[2026-01-15,2026-03-15)'), [all[0], all[3]]],
      [(q) => q.rangeAdjacent('on_loan', '[2026-02-01,2026-03-01)'), [all[0], all[1]]],
      [(q) => q.textSearch('title', 'wave', { type: 'websearch', config: 'english' }), [all[3]]],
      [(q) => q.textSearch('title', 'duino & elegy', { config: 'english' }), [all[2]]],
      [(q) => q.match({ shelf_id: 1, pages: 474 }), [all[1]]],
      [(q) => q.not('shelf_id', 'is', null), all.slice(0, 3)],
      [(q) => q.or('pages.lt.100,and(shelf_id.eq.1,pages.gt.800)'), [all[0], all[2]]],
      [(q) => q.filter('extra->prize->>year', 'not.is', null), [all[0]]],
    ]
    for (const [filter, expected] of rows) {
      assert.deepEqual(await titles(filter), expected, filter.toString())
    }
  },

  async counts() {
    const { data: some, count } = await done(anon.from('sj_books').select('id', { count: 'exact' }).limit(1))
    assert.deepEqual([some.length, count], [1, 4])
    const head = await done(anon.from('sj_books').select('*', { count: 'exact', head: true }).eq('shelf_id', 1))
    assert.deepEqual([head.data, head.count], [null, 2])
    for (const way of ['planned', 'estimated']) {
      const { count } = await done(anon.from('sj_books').select('id', { count: way }))
      assert.equal(typeof count, 'number', way)
    }
  },

  async single_rows() {
    assert.deepEqual(await data(anon.from('sj_books').select('title').eq('id', 2).single()), { title: 'Emma' })
    assert.deepEqual(await data(anon.from('sj_books').select('title').eq('id', 2).maybeSingle()), { title: 'Emma' })
    assert.equal(await data(anon.from('sj_books').select('title').eq('id', 99).maybeSingle()), null)
    const many = await refused(anon.from('sj_books').select('title').single(), 406, 'PGRST116')
    assert.equal(many.details, 'The result contains 4 rows')
    await refused(anon.from('sj_books').select('title').eq('id', 99).single(), 406, 'PGRST116')
  },

  async other_forms() {
    assert.equal(await data(anon.from('sj_books').select('id,title').order('id').limit(2).csv()), 'id,title\n1,Middlemarch\n2,Emma')
    assert.match(await data(anon.from('sj_books').select().explain()), /Scan on sj_books/)
    const [plan] = await data(anon.from('sj_books').select().explain({ analyze: true, format: 'json' }))
    assert.equal(typeof plan.Plan['Total Cost'], 'number')
    assert.equal(typeof plan['Execution Time'], 'number')
  },

  async abort() {
    const controller = new AbortController()
    controller.abort()
    const { error } = await anon.from('sj_books').select().abortSignal(controller.signal)
    assert.match(error.message, /abort/i)
  },

  async inserts() {
    const silent = await done(ada.from('sj_books').insert({ id: 10, title: 'Ulysses' }))
    assert.deepEqual([silent.status, silent.data], [201, null])
    const one = await data(ada.from('sj_books').insert({ id: 11, shelf_id: 2, title: 'Odes' }).select('id, note, sj_shelves(name)').single())
    assert.deepEqual(one, { id: 11, note: 'new', sj_shelves: { name: 'poems' } })
    const many = [{ id: 12, title: 'A' }, { id: 13, title: 'B', note: 'old' }]
    const nulls = await done(ada.from('sj_books').insert(many, { count: 'exact' }).select('id, note').order('id'))
    assert.deepEqual([nulls.data, nulls.count], [[{ id: 12, note: null }, { id: 13, note: 'old' }], 2])
    const missing = many.map((book) => ({ ...book, id: book.id + 2, title: `${book.title}2` }))
    const defaults = await data(ada.from('sj_books').insert(missing, { defaultToNull: false }).select('id, note').order('id'))
    assert.deepEqual(defaults, [{ id: 14, note: 'new' }, { id: 15, note: 'old' }])
    await refused(ada.from('sj_books').insert({ id: 10, title: 'again' }), 409, '23505')
    await refused(ada.from('sj_books').insert({ id: 20, title: 'x', shelf_id: 77 }), 409, '23503')
    await refused(ada.from('sj_books').insert({ id: 20, titel: 'x' }), 400, 'PGRST204')
  },

  async upserts() {
    const merged = await data(ada.from('sj_books').upsert({ id: 10, title: 'Ulysses', pages: 730 }).select('id, pages, note'))
    assert.deepEqual(merged, [{ id: 10, pages: 730, note: 'new' }])
    const ignored = await data(ada.from('sj_books').upsert({ id: 10, title: 'x' }, { ignoreDuplicates: true }).select())
    assert.deepEqual(ignored, [])
    const by = await data(ada.from('sj_books').upsert({ id: 10, title: 'Ulysses', pages: 1 }, { onConflict: 'title', count: 'exact' }).select('pages'))
    assert.deepEqual(by, [{ pages: 1 }])
  },

  async updates() {
    const silent = await done(ada.from('sj_books').update({ pages: 2 }, { count: 'exact' }).eq('id', 10))
    assert.deepEqual([silent.status, silent.data, silent.count], [204, null, 1])
    const rows = await data(ada.from('sj_books').update({ pages: 3 }).in('id', [10, 11]).select('id, pages').order('id'))
    assert.deepEqual(rows, [{ id: 10, pages: 3 }, { id: 11, pages: 3 }])
    // Row security: a book of somebody else's is not hers to change.
    assert.deepEqual(await data(ada.from('sj_books').update({ pages: 4 }).eq('id', 4).select()), [])
    await refused(ada.from('sj_books').update({ owner: 'eve' }).eq('id', 10), 403, '42501')
    await refused(ada.from('sj_books').update({ pages: 5 }).gte('id', 10).maxAffected(1), 400, 'PGRST124')
    assert.deepEqual(await data(anon.from('sj_books').select('id').eq('pages', 5)), [])
    const undone = await data(ada.from('sj_books').update({ pages: 6 }).eq('id', 10).select('pages').rollback())
    assert.deepEqual(undone, [{ pages: 6 }])
    assert.deepEqual(await data(anon.from('sj_books').select('id').eq('pages', 6)), [])
  },

  async deletes() {
    const gone = await data(ada.from('sj_books').delete().gte('id', 12).select('id').order('id'))
    assert.deepEqual(gone.map((book) => book.id), [12, 13, 14, 15])
    const silent = await done(ada.from('sj_books').delete({ count: 'exact' }).gte('id', 10))
    assert.deepEqual([silent.status, silent.count], [204, 2])
    assert.deepEqual(await data(ada.from('sj_books').delete().eq('id', 4).select()), [])
  },

  async functions() {
    assert.equal(await data(anon.rpc('sj_add', { a: 1, b: 2 })), 3)
    assert.equal(await data(anon.rpc('sj_add', { a: 1 })), 11)
    assert.equal(await data(anon.rpc('sj_add', { a: 1, b: 2 }, { get: true })), 3)
    assert.equal(await data(anon.rpc('sj_sum', { numbers: [1, 2, 3] })), 6)
    assert.equal(await data(anon.rpc('sj_sum', { numbers: [1, 2, 3] }, { get: true })), 6)
    const books = await data(anon.rpc('sj_longer', { than: 400 }).select('title, sj_shelves(name)').order('pages').limit(1))
    assert.deepEqual(books, [{ title: 'Emma', sj_shelves: { name: 'novels' } }])
    const { count } = await done(anon.rpc('sj_longer', { than: 400 }, { head: true, count: 'exact' }))
    assert.equal(count, 2)
    const nothing = await done(ada.rpc('sj_rename', { book: 3, name: 'Elegies' }))
    assert.deepEqual([nothing.status, nothing.data], [204, null])
    assert.deepEqual(await titles((q) => q.eq('id', 3)), ['Elegies'])
    const teapot = await refused(anon.rpc('sj_fail'), 418, 'PT418')
    assert.deepEqual([teapot.message, teapot.details, teapot.hint], ['short and stout', 'a pot', 'pour'])
    await refused(anon.rpc('sj_ad', { a: 1 }), 404, 'PGRST202')
  },

  async refusals() {
    const unknown = await refused(anon.from('sj_boks').select(), 404, 'PGRST205')
    assert.match(unknown.hint, /sj_books/)
    await refused(anon.from('sj_books').select('titel'), 400, '42703')
    await refused(anon.from('sj_books').select('title, sj_nothing(*)'), 400, 'PGRST200')
    await refused(anon.from('sj_books').select().eq('id', 'x'), 400, '22P02')
    await refused(anon.schema('private').from('sj_books').select(), 406, 'PGRST106')
    await refused(anon.from('sj_books').insert({ id: 30, title: 'x' }), 401, '42501')
    const wrong = createClient(url, anonKey, { accessToken: async () => `${anonKey}x` })
    await refused(wrong.from('sj_books').select(), 401, 'PGRST301')
    const late = createClient(url, anonKey, { accessToken: async () => token({ role: 'anon', exp: 1 }) })
    await refused(late.from('sj_books').select(), 401, 'PGRST303')
    await assert.rejects(async () => await anon.from('sj_boks').select().throwOnError(), { code: 'PGRST205' })
  },
}

const superuser = new pg.Client({ connectionString: database })
await superuser.connect()
try {
  await superuser.query(GONE)
  await superuser.query(TABLES)
  // The edge finds out about new tables by being asked for one.
  for (let tries = 0; (await anon.from('sj_books').select('id').limit(1)).error; tries++) {
    assert.ok(tries < 50, 'the new table is not served')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test()
    } catch (error) {
      error.message = `${name}: ${error.message}`
      throw error
    }
  }
} finally {
  await superuser.query(GONE)
  await superuser.end()
}
