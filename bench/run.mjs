// The benchmark: Headland and its peers side by side, in turns, on one Postgres. Called by scripts/bench, which builds
// and sets up; prints a table and writes target/bench.json.
//
//   node bench/run.mjs [--seconds 4] [--rounds 3] [--connections 32] [--workload row|rows|embed|fresh|kv|hello]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { gzipSync } from 'node:zlib'
import { command, median, option } from './command.mjs'
import { headlandDev, peer, workerd, workerdPeer } from './servers.mjs'
import { load, pgbench } from './load.mjs'

const seconds = option('seconds', 4)
const rounds = option('rounds', 3)
const connections = option('connections', 32)
const only = option('workload', null)

/** What is asked: Headland's path and the peers', with N for the id of a random movie. */
const workloads = {
  row: {
    title: 'one row',
    headland: '/rest/v1/movies?select=id,title,imdb_rating&id=eq.N',
    peer: '/row/N',
    sql: '\\set n random(1, 3201)\nselect id, title, imdb_rating from movies where id = :n;',
  },
  rows: {
    title: '50 rows',
    headland: '/rest/v1/movies?select=id,title,imdb_rating&id=gte.N&order=id&limit=50',
    peer: '/rows/N',
    sql: '\\set n random(1, 3201)\nselect id, title, imdb_rating from movies where id >= :n order by id limit 50;',
  },
  embed: {
    title: '50 rows with their directors',
    headland: '/rest/v1/movies?select=id,title,imdb_rating,director:directors(name)&id=gte.N&order=id&limit=50',
    peer: '/embed/N',
    sql: '\\set n random(1, 3201)\nselect m.id, title, imdb_rating, name from movies m left join directors d on d.id = director_id where m.id >= :n order by m.id limit 50;',
  },
  fresh: {
    title: 'one row that is stored',
    headland: '/rest/v1/directors?select=id,name&id=eq.N',
    peer: '/stored/N',
    // Hot ones: an instance of the emulator, like one of Spin, serves 128 requests and is then another.
    keys: 4,
  },
  kv: {
    title: 'one row that is stored, of so many that most are in KV and not in memory',
    headland: '/rest/v1/directors?select=id,name&id=eq.N',
    peer: '/stored/N',
    keys: 1000,
    isKept: true,
  },
  hello: { title: 'hello (no database)', headland: '/health', peer: '/hello' },
}

/** Every system in turn, round after round; gives the median of each figure. */
async function compare(workload, systems) {
  const samples = systems.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, system] of systems.entries()) samples[at].push(await system.run(workload))
  }
  return systems.map((system, at) => {
    const figure = (name) => (samples[at][0][name] === null ? null : median(samples[at].map((sample) => sample[name])))
    return { system: system.name, rps: figure('rps'), p50_ms: figure('p50'), p99_ms: figure('p99') }
  })
}

/** Asks for each answer twice, one after the other: then it is in KV. */
async function keep(url, { headland, keys }) {
  for (let n = 1; n <= keys; n++) {
    for (let time = 0; time < 2; time++) await (await fetch(url + headland.replace('N', n))).arrayBuffer()
  }
}

function wasmSizes() {
  const file = (name, ...files) => {
    const bytes = Buffer.concat(files.map((file) => readFileSync(file)))
    return { name, raw_bytes: bytes.length, gzipped_bytes: gzipSync(bytes, { level: 9 }).length }
  }
  const component = (name) => file(name, `target/wasm32-wasip2/wasm/${name}.wasm`)
  const build = 'target/worker/'
  return [component('rest'), component('rpc'), component('health'), file('worker', `${build}index.js`, `${build}index_bg.wasm`)]
}

function table(title, rows, base) {
  const reference = rows.find((row) => row.system === base).rps
  const lines = rows.map((row) => {
    const ms = (value) => (value === null ? '–' : value.toFixed(2))
    const cells = [Math.round(row.rps), ms(row.p50_ms), ms(row.p99_ms), (row.rps / reference).toFixed(2)]
    return `| ${row.system} | ${cells.join(' | ')} |`
  })
  return [`| ${title} | requests/s | p50 ms | p99 ms | × ${base} |`, '| --- | ---: | ---: | ---: | ---: |', ...lines, ''].join('\n')
}

async function main(scratch) {
  const dev = await headlandDev(scratch)
  const worker = await workerd(scratch, dev)
  const http = (name, url, side) => ({
    name,
    run: (workload) => load({ url, path: workload[side], keys: workload.keys, scratch, seconds, connections }),
  })
  const headland = http('Headland: emulator + gateway', dev.url, 'headland')
  const onWorkerd = http('Headland: workerd + gateway', worker.url, 'headland')
  const peers = []
  for (const [name, script] of [['Express 5 + pg', 'express'], ['Fastify + pg', 'fastify'], ['Node http + pg', 'node']]) {
    peers.push(http(name, await peer(script, dev.databaseUrl), 'peer'))
  }
  // What is not stored, to compare with; and the least that a runtime does for a request.
  const as = (name, system, changes) => ({ name, run: (workload) => system.run({ ...workload, ...changes }) })
  const hello = { headland: workloads.hello.headland, peer: workloads.hello.peer }
  const unstored = as('Express 5 + pg, not stored', peers[0], { peer: '/row/N' })
  const lru = as('Node http with an LRU', peers.at(-1), {})
  const plain = http('workerd: the same in JavaScript', (await workerdPeer('worker', false, scratch, dev)).url, 'peer')
  const hono = http('workerd: Hono with KV', (await workerdPeer('hono', true, scratch, dev)).url, 'peer')
  const helloes = [
    as('emulator: hello', headland, hello),
    as('workerd: hello', onWorkerd, hello),
    as('workerd: hello in JavaScript', plain, hello),
  ]
  const limit = { name: 'pgbench (the limit)', run: (workload) => pgbench({ workload, dev, scratch, seconds }) }

  const results = {}
  const chosen = Object.entries(workloads).filter(([name]) => only === null || name === only)
  for (const [name, workload] of chosen) {
    const systems = {
      hello: [headland, onWorkerd, ...peers],
      fresh: [headland, onWorkerd, plain, hono, lru, ...helloes, unstored],
      kv: [headland, hono, ...helloes.slice(0, 1), unstored],
    }[name] ?? [headland, onWorkerd, ...peers, limit]
    process.stderr.write(`headland: ${workload.title}: ${systems.length} systems, ${rounds} rounds of ${seconds} s\n`)
    if (workload.isKept) await keep(dev.url, workload)
    results[name] = await compare(workload, systems)
  }
  const machine = `${os.cpus().length} cores (${os.cpus()[0].model}), ${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()} ${os.release()}`
  const versions = execFileSync('rustc', ['--version']).toString().trim() + `, node ${process.versions.node}`
  const sizes = wasmSizes()

  for (const [name, workload] of chosen) {
    console.log(table(workload.title, results[name], results[name].at(['fresh', 'kv'].includes(name) ? -1 : 2).system))
  }
  const kb = (bytes) => Math.round(bytes / 1000)
  console.log('| wasm | KB | gzipped KB |\n| --- | ---: | ---: |')
  for (const { name, raw_bytes, gzipped_bytes } of sizes) console.log(`| ${name} | ${kb(raw_bytes)} | ${kb(gzipped_bytes)} |`)
  console.log(`\nA new instance of \`rest\` starts in ${dev.instanceStart()}.`)
  console.log(`\n${connections} connections, ${rounds} rounds of ${seconds} s in turns, medians; ${machine}; ${versions}`)
  const report = { machine, versions, connections, seconds, rounds, results, sizes, instance_start: dev.instanceStart() }
  writeFileSync('target/bench.json', JSON.stringify(report, null, 2) + '\n')
}

await command(main)
