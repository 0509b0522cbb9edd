// What the peers ask Postgres, with prepared statements and a pool as large as the gateway's.
import pg from 'pg'

// The login role may read nothing; the callers' role may.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10, options: '-c role=anon' })

const query = async (name, text, values) => (await pool.query({ name, text, values })).rows

/** One movie. */
export const row = (id) => query('row', 'select id, title, imdb_rating from public.movies where id = $1', [id])

/** Fifty movies. */
export const rows = (id) =>
  query('rows', 'select id, title, imdb_rating from public.movies where id >= $1 order by id limit 50', [id])

/** Fifty movies, and for each of them its director: the loop that people write. */
export async function embed(id) {
  const text = 'select id, title, imdb_rating, director_id from public.movies where id >= $1 order by id limit 50'
  const movies = await query('movies', text, [id])
  for (const movie of movies) {
    const [director] = await query('director', 'select name from public.directors where id = $1', [movie.director_id])
    movie.director = director ?? null
    delete movie.director_id
  }
  return movies
}
