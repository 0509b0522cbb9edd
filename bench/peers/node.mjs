// Node's own HTTP server and `pg`: the least there can be between a caller and Postgres.
import { createServer } from 'node:http'
import { embed, row, rows } from './queries.mjs'

const routes = { row, rows, embed, hello: async () => ({ status: 'ok' }) }

const server = createServer(async (request, response) => {
  const [, name, id] = request.url.split('/')
  const route = routes[name]
  response.statusCode = route ? 200 : 404
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(route ? await route(id) : null))
})
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
