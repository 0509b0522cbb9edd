// Hono, with what its users put in front of a query that is asked for often: Workers KV.
import { Hono } from 'hono'
import { director } from './region.mjs'

const AGE_MAX_S = 60
const app = new Hono()

app.get('/hello', (c) => c.json({ status: 'ok' }))

app.get('/stored/:id', async (c) => {
  const id = c.req.param('id')
  const kept = await c.env.KV.get(`director/${id}`)
  if (kept !== null) return c.body(kept, 200, { 'content-type': 'application/json; charset=utf-8' })
  const rows = await director(id, c.env)
  c.executionCtx.waitUntil(c.env.KV.put(`director/${id}`, rows, { expirationTtl: AGE_MAX_S }))
  return c.body(rows, 200, { 'content-type': 'application/json; charset=utf-8' })
})

export default app
