// Express 5 and `pg`, as a tutorial has it.
import express from 'express'
import { embed, row, rows } from './queries.mjs'

const app = express()
app.get('/row/:id', async (request, response) => response.json(await row(request.params.id)))
app.get('/rows/:id', async (request, response) => response.json(await rows(request.params.id)))
app.get('/embed/:id', async (request, response) => response.json(await embed(request.params.id)))
app.get('/hello', (request, response) => response.json({ status: 'ok' }))
const server = app.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
