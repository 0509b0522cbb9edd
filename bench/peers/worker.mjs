// Headland's fresh read written by hand for one table, in JavaScript: what a request may be given without asking is decided
// by the same things (spelling, caller, age, the caller's directives and snapshot), and the response says the same. The hello
// beside it is the least that workerd does.
import { director } from './region.mjs'

const ENTRIES_MAX = 2048
const AGE_MAX_MS = 60_000
const LOOKED_AT = ['authorization', 'accept', 'accept-profile', 'prefer', 'range']
const entries = new Map()

export default {
  async fetch(request, env) {
    const url = new URL(request.url)
    if (url.pathname === '/hello') return Response.json({ status: 'ok' })
    return url.pathname.startsWith('/stored/') ? stored(request, url, env) : new Response(null, { status: 404 })
  },
}

async function stored(request, url, env) {
  const { headers } = request
  const key = [request.method, url.pathname, url.search, ...LOOKED_AT.map((name) => headers.get(name))].join('\n')
  const found = entries.get(key)
  if (found && isTaken(found, headers, Date.now())) {
    entries.delete(key)
    entries.set(key, found)
    return answer(found, headers, 'hit')
  }
  const made = await fetched(url.pathname.split('/').at(-1), env)
  if (entries.size >= ENTRIES_MAX) entries.delete(entries.keys().next().value)
  entries.set(key, made)
  return answer(made, headers, 'fwd=miss; stored')
}

function isTaken(entry, headers, now) {
  const age = now - entry.at
  const demanded = headers.get('headland-snapshot')
  const control = headers.get('cache-control') ?? ''
  const most = control.match(/max-age=(\d+)/)
  const isWanted = !/no-(cache|store)/.test(control) && (most === null || age <= Number(most[1]) * 1000)
  return age <= AGE_MAX_MS && isWanted && (demanded === null || demanded === entry.snapshot)
}

async function fetched(id, env) {
  const at = Date.now()
  const body = await director(id, env)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)))
  const tag = `"${[...digest.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}"`
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    vary: 'Accept, Prefer, Range, Authorization, Apikey, Accept-Profile',
    'content-range': '0-0/*',
    'content-location': `/directors?id=eq.${id}`,
    etag: tag,
    'cache-control': 'private, no-cache',
    'cache-groups': '"public.directors"',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  }
  return { at, body, tag, headers, snapshot: '0000000000000000:1:1:' }
}

function answer(entry, asked, status) {
  const age = Math.floor((Date.now() - entry.at) / 1000)
  const ttl = AGE_MAX_MS / 1000 - age
  const response = new Response(asked.get('if-none-match') === entry.tag ? null : entry.body, {
    status: asked.get('if-none-match') === entry.tag ? 304 : 200,
    headers: entry.headers,
  })
  response.headers.set('headland-snapshot', entry.snapshot)
  response.headers.set('cache-status', `headland; ${status}; ttl=${ttl}; detail=memory`)
  response.headers.set('age', String(age))
  return response
}
