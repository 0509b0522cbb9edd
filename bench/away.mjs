// How fast an edge is while its region is away: what is stored is given, and all else is refused. Called by `scripts/bench away`.
//
//   node bench/away.mjs [--seconds 60]
//
// Either it cannot be reached, which an edge is told at once, or it is silent.
// The rate is far below what the edge can do, so that the times are its own, and beside them stand those of a request that asks
// nobody for anything, at the same moments: what those wait for is the machine.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { constants, setPriority } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command, option } from './command.mjs'
import { edge, headlandDev } from './servers.mjs'

const seconds = option('seconds', 60)
/** Connections that ask for one thing after the other, of each kind. */
const CONNECTIONS = 8
const PAUSE_MS = 10
/** For how long the region is there, and how soon an edge has seen that it is not. */
const BEFORE_MS = 3000
const SEEN_MS = 3000
/** How it is away: words for the file. */
const WAYS = ['unreachable', 'silent']
const REFUSED = 'what is not stored'
const KEYS = 20
const KINDS = {
  'hello': { path: () => '/health', status: 200 },
  'what is stored': { path: (n) => `/rest/v1/directors?select=name&id=eq.${(n % KEYS) + 1}`, status: 200 },
  [REFUSED]: { path: (n) => `/rest/v1/movies?select=title&id=eq.${n}`, status: 503 },
}

/** Asks for one thing after the other for as long as `goesOn`. */
async function ask(url, kind, first, goesOn) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  for (let n = first; goesOn(); n += CONNECTIONS) {
    const status = await get(agent, url + kind.path(n))
    if (status !== kind.status && status !== 200) throw new Error(`${kind.path(n)}: ${status}`)
    await sleep(PAUSE_MS)
  }
  agent.destroy()
}

function get(agent, url) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    request.on('error', reject)
  })
}

async function main(scratch) {
  const region = await headlandDev(path.join(scratch, 'region'))
  console.log('| the edge answers, in ms | answers | 50 % | 99 % | 99.9 % | all |\n| --- | ---: | ---: | ---: | ---: | ---: |')
  for (const way of WAYS) await cut(path.join(scratch, way), region, way)
}

async function cut(scratch, region, way) {
  const { url, awayFile, log } = await edge(scratch, region)
  let goesOn = true
  const asking = Object.values(KINDS).flatMap((kind) =>
    Array.from({ length: CONNECTIONS }, (_, n) => ask(url, kind, 1_000_000 + n, () => goesOn)),
  )
  const over = Promise.all(asking)
  // Whoever asks shares the machine with what is measured, and makes way for it.
  setPriority(constants.priority.PRIORITY_LOW)
  await Promise.race([sleep(BEFORE_MS), over])
  const cutAt = Date.now()
  writeFileSync(awayFile, way)
  await Promise.race([sleep(SEEN_MS + seconds * 1000), over])
  const backAt = Date.now()
  rmSync(awayFile)
  goesOn = false
  await over
  setPriority(constants.priority.PRIORITY_NORMAL)

  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
  const answers = lines.filter(({ target }) => target === 'access').map((answer) => ({ ...answer, at: Date.parse(answer.timestamp) }))
  const of = (kind, from, to) => answers.filter(({ at, path }) => from < at && at < to && path === kind.path(0).split('?')[0])
  const report = (title, its) => {
    const times = its.map(({ duration_ms }) => duration_ms).sort((a, b) => a - b)
    const at = (share) => times[Math.min(Math.floor(times.length * share), times.length - 1)].toFixed(1)
    console.log(`| ${way}: ${title} | ${times.length} | ${[0.5, 0.99, 0.999, 1].map(at).join(' | ')} |`)
  }
  for (const [title, kind] of Object.entries(KINDS)) {
    const its = of(kind, cutAt + SEEN_MS, backAt)
    const wrong = its.find(({ status }) => status !== kind.status)
    if (wrong) throw new Error(JSON.stringify(wrong))
    report(title, its)
  }
  const first = of(KINDS[REFUSED], cutAt, cutAt + SEEN_MS).filter(({ status }) => status === 503)
  report(`${REFUSED}, in the first ${SEEN_MS / 1000} s`, first)
}

await command(main)
