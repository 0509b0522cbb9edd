// Node's own HTTP server and `pg`: the least there can be between a caller and Postgres.
import { createServer } from 'node:http'
import { embed, row, rows } from './queries.mjs'

// What people put in front of a query that is asked for often. Nobody tells it of writes.
const ENTRIES_MAX = 1000
const AGE_MAX_MS = 60_000
const entries = new Map()

async function stored(id) {
  const entry = entries.get(id)
  if (entry && Date.now() - entry.at < AGE_MAX_MS) {
    entries.delete(id)
    entries.set(id, entry)
    return entry.row
  }
  if (entries.size >= ENTRIES_MAX) entries.delete(entries.keys().next().value)
  const made = { at: Date.now(), row: await row(id) }
  entries.set(id, made)
  return made.row
}

const routes = { row, rows, embed, stored, hello: async () => ({ status: 'ok' }) }

const server = createServer(async (request, response) => {
  const [, name, id] = request.url.split('/')
  const route = routes[name]
  response.statusCode = route ? 200 : 404
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(route ? await route(id) : null))
})
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
