// Supabase's own client, unmodified, reads the sample. Usage: node postgrest_js.mjs http://…/rest/v1
import assert from 'node:assert/strict'
import { PostgrestClient } from '@supabase/postgrest-js'

const db = new PostgrestClient(process.argv[2])

/** Rows of a request that must succeed. */
async function rows(request) {
  const { data, error, status } = await request
  assert.equal(error, null, `status ${status}: ${JSON.stringify(error)}`)
  return data
}

// Embedded directors, to one; a renamed column; filter and order.
const best = await rows(
  db.from('movies').select('title, rating:imdb_rating, director:directors(name)')
    .gte('imdb_rating', 9).gte('imdb_votes', 1000).order('imdb_rating', { ascending: false }).order('title'),
)
assert.ok(best.length >= 2)
assert.ok(best.every((movie) => movie.rating >= 9))
assert.deepEqual(best.find((movie) => movie.title === 'Inception').director, { name: 'Christopher Nolan' })
assert.deepEqual(Object.keys(best[0]), ['title', 'rating', 'director'])

// Embedded movies, to many, filtered and limited inside.
const [nolan] = await rows(
  db.from('directors').select('name, movies!inner(title, release_date)').eq('name', 'Christopher Nolan')
    .gte('movies.imdb_rating', 8.5).order('title', { referencedTable: 'movies' }),
)
assert.ok(nolan.movies.some((movie) => movie.title === 'Memento'))
assert.ok(nolan.movies.every((movie) => /^\d{4}-\d\d-\d\d$/.test(movie.release_date)))

// One row, no row, and too many for one.
const single = await rows(db.from('genres').select('name').eq('name', 'Western').single())
assert.deepEqual(single, { name: 'Western' })
assert.equal(await rows(db.from('genres').select('name').eq('name', 'Opera').maybeSingle()), null)
const many = await db.from('genres').select('name').single()
assert.equal(many.status, 406)
assert.equal(many.error.code, 'PGRST116')

// Counting, with and without rows.
const counted = await db.from('movies').select('id', { count: 'exact' }).range(0, 4)
assert.equal(counted.count, 3201)
assert.equal(counted.data.length, 5)
const head = await db.from('movies').select('*', { count: 'exact', head: true }).not('director_id', 'is', null)
assert.ok(head.count > 1000 && head.count < 3201)
assert.equal(head.data, null)

// Other ways to filter.
const found = await rows(
  db.from('movies').select('title').or('title.ilike.*matrix*,title.eq.Memento').in('mpaa_rating', ['R', 'PG-13'])
    .neq('title', 'The Matrix Reloaded').order('title'),
)
assert.deepEqual(found.map((movie) => movie.title), ['Memento', 'The Matrix', 'The Matrix Revolutions'])
assert.match(await rows(db.from('genres').select('name').order('name').limit(1).csv()), /^name\n\w+/)

// Errors keep their shape.
const unknown = await db.from('moveis').select()
assert.equal(unknown.status, 404)
assert.equal(unknown.error.code, 'PGRST205')
const column = await db.from('movies').select('titel')
assert.equal(column.error.code, '42703')
