// Fastify and `pg`.
import Fastify from 'fastify'
import { embed, row, rows } from './queries.mjs'

const app = Fastify()
app.get('/row/:id', (request) => row(request.params.id))
app.get('/rows/:id', (request) => rows(request.params.id))
app.get('/embed/:id', (request) => embed(request.params.id))
app.get('/hello', async () => ({ status: 'ok' }))
console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
