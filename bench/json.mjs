// How fast JSON is scanned, beside what JavaScript has for it, in one run; and what a long stream takes of memory. Called by
// `scripts/bench json`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const modules = process.env.HEADLAND_NODE_MODULES
const fastify = createRequire(path.join(modules, 'node_modules/fastify/package.json'))
const secure = fastify('secure-json-parse')
const Ajv = createRequire(fastify.resolve('@fastify/ajv-compiler'))('ajv')
const native = path.resolve('target/release/json-bench')
const { instance } = await WebAssembly.instantiate(
  readFileSync('target/wasm32-unknown-unknown/wasm/json_bench_module.wasm'),
  {}
)

const TURNS = 5
const ROUNDS = 9

const fastest = (work) => {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    work()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6)
  }
  return best
}

const wasm = (bytes, work) => {
  const { memory, reserve } = instance.exports
  const address = reserve(bytes.length)
  new Uint8Array(memory.buffer).set(bytes, address)
  return () => {
    if (!work(address, bytes.length)) throw new Error('refused')
  }
}

// Bodies are bytes when they come; what parses a string only has the string already.
const measures = (file) => {
  const bytes = readFileSync(file)
  const text = bytes.toString()
  const inWasm = wasm(bytes, instance.exports.is_in_order)
  return {
    native: () => Number(execFileSync(native, ['scan', file, String(ROUNDS)])),
    wasm: () => fastest(inWasm),
    'JSON.parse': () => fastest(() => JSON.parse(text)),
    'JSON.parse, from bytes': () => fastest(() => JSON.parse(bytes.toString())),
    'secure-json-parse': () => fastest(() => secure.parse(text)),
    'secure-json-parse, from bytes': () => fastest(() => secure.parse(bytes.toString())),
  }
}

// The rules of bench/json/src/rows.rs, as what people write for Fastify.
const nullable = (type, rules) => ({ type: [type, 'null'].flat(), ...rules })
const schema = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      Title: nullable(['string', 'number'], { maxLength: 100 }),
      'MPAA Rating': { enum: ['R', 'PG', 'Not Rated', 'PG-13', 'G', 'NC-17', 'Open', null] },
      'Release Date': nullable('string', { pattern: '^[A-Z][a-z]{2} [0-9]{2} [0-9]{4}$' }),
      'Rotten Tomatoes Rating': nullable('number', { minimum: 0, maximum: 100 }),
      'IMDB Rating': nullable('number', { minimum: 0, maximum: 10 }),
      'IMDB Votes': nullable('number', { minimum: 0, maximum: 1e9 }),
    },
  },
}

const measuresOfRows = (file) => {
  const bytes = readFileSync(file)
  const text = bytes.toString()
  const inWasm = wasm(bytes, instance.exports.are_right)
  const areRight = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema)
  const check = (rows) => {
    if (!areRight(rows)) throw new Error(JSON.stringify(areRight.errors))
  }
  return {
    native: () => Number(execFileSync(native, ['rows', file, String(ROUNDS)])),
    wasm: () => fastest(inWasm),
    'JSON.parse and ajv': () => fastest(() => check(JSON.parse(text))),
    'secure-json-parse and ajv': () => fastest(() => check(secure.parse(text))),
  }
}

const DATA = path.join(modules, 'node_modules/vega-datasets/data')
const MOVIES = path.join(DATA, 'movies.json')
const tables = [
  ['movies.json', MOVIES, measures],
  ['flights-200k.json', path.join(DATA, 'flights-200k.json'), measures],
  ['Rows of movies.json, checked', MOVIES, measuresOfRows],
]

for (const [title, file, measuresOf] of tables) {
  const megabytes = readFileSync(file).length / 1e6
  const work = measuresOf(file)
  const times = Object.fromEntries(Object.keys(work).map((key) => [key, Infinity]))
  // In turns, so that what else the machine does falls on all of them.
  for (let turn = 0; turn < TURNS; turn++) for (const key in work) times[key] = Math.min(times[key], work[key]())
  console.log(`\n${title}, ${megabytes.toFixed(1)} MB\n`)
  console.log('| | ms | MB/s | native is × | in wasm × |\n| --- | ---: | ---: | ---: | ---: |')
  for (const [key, time] of Object.entries(times)) {
    const ratios = [times.native, times.wasm].map((ours) => (time / ours).toFixed(2))
    console.log(`| ${key} | ${time.toFixed(2)} | ${((megabytes / time) * 1e3).toFixed(0)} | ${ratios.join(' | ')} |`)
  }
}

console.log('\nMost memory of a scan of a stream, cut into its elements:\n')
for (const bytes of [1e6, 1e9]) {
  const most = Number(execFileSync(native, ['stream', String(bytes)]))
  console.log(`- ${bytes / 1e6} MB: ${(most / 1e6).toFixed(1)} MB`)
}
