// What the Workers that are compared ask the region, over HTTP as Headland does.

/** The rows of one director, as JSON. */
export async function director(id, env) {
  const settings = { query: "select set_config('role', 'anon', true)", params: [] }
  const text = 'select id, name from public.directors where id = $1'
  const response = await fetch(`${env.REGION_URL}/sql`, {
    method: 'POST',
    headers: { 'Neon-Connection-String': env.REGION_CONNECTION, 'Neon-Batch-Read-Only': 'true' },
    body: JSON.stringify({ queries: [settings, { query: text, params: [id] }] }),
  })
  if (!response.ok) throw new Error(`the region: ${response.status} ${await response.text()}`)
  const { results } = await response.json()
  return JSON.stringify(results[1].rows)
}
