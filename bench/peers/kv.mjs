// What workerd asks for a KV binding: a service that keeps values under paths. It lies in memory beside the Worker, so it is as near as
// a store can be.
const values = new Map()

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (request.method === 'PUT') {
      values.set(pathname, await request.arrayBuffer())
      return new Response(null, { status: 204 })
    }
    const value = values.get(pathname)
    return value === undefined ? new Response(null, { status: 404 }) : new Response(value)
  },
}
