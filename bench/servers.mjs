// The servers that are compared. All listen on loopback and are stopped by stopAll().
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const children = []

/** The project's policy, and one relation that edges answer by themselves. */
const policy = readFileSync('headland.toml', 'utf8') + "\n[relations.directors]\ncache = 'edge'\ncache-max-age = 3600\n"

/** Starts a program and waits until a line that it prints matches; gives the match. */
function start(command, args, pattern, env = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  children.push(child)
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk
      const match = printed.match(pattern)
      if (match) resolve({ match, child, pid: child.pid, printed: () => printed })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('exit', (code) => reject(new Error(`${command} ${args[0]} ended with ${code}:\n${printed}`)))
  })
}

/** The edge, the gateway and a Postgres with the sample. */
export async function headlandDev(scratch) {
  const state = path.join(scratch, 'state')
  delete process.env.DATABASE_URL
  const env = { HEADLAND_LOG: 'warn,headland=info,emulator::instance=debug', SPIN_VARIABLE_HEADLAND_CONFIG: policy }
  const args = ['dev', '--listen', '127.0.0.1:0', '--no-watch', '--state', state]
  const { match, pid, printed } = await start('target/release/headland', args, /listening on (http:\/\/[\d.:]+)/, env)
  const region = Object.fromEntries(
    readFileSync(path.join(state, 'region.env'), 'utf8').split('\n').filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )
  return {
    url: match[1],
    pid,
    regionUrl: region.REGION_URL,
    regionConnection: region.REGION_CONNECTION,
    databaseUrl: region.DATABASE_URL,
    instanceStart: () => {
      const times = [...printed().matchAll(/instance of `?rest`? started in ([\d.]+\s?[µm]?s)/g)].map((match) => match[1])
      return times.at(-1) ?? 'an unknown time'
    },
  }
}

/** An edge of a region that runs already. Requests are logged to a file; another file takes the region away while it exists. */
export async function edge(scratch, region) {
  const [state, config, log] = ['state', 'headland.toml', 'log'].map((name) => path.join(scratch, name))
  mkdirSync(scratch, { recursive: true })
  writeFileSync(config, policy.replace('cache-max-age = 3600', 'cache-max-age = 1'))
  const args = ['dev', '--listen', '127.0.0.1:0', '--no-watch', '--state', state, '--config', config]
  args.push('--region-url', region.regionUrl, '--region-connection', region.regionConnection)
  const child = spawn('target/release/headland', args, { stdio: ['ignore', openSync(log, 'w'), 'inherit'] })
  children.push(child)
  const listening = () => readFileSync(log, 'utf8').match(/listening on (http:\/\/[\d.:]+)/)
  while (!listening()) {
    if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8'))
    await sleep(50)
  }
  return { url: listening()[1], awayFile: path.join(state, 'region-is-away'), log }
}

/** Has a database tell who writes, by triggers or by replication. */
export function migrate(databaseUrl, source) {
  const args = source === 'replication' ? ['migrate', '--replication'] : ['migrate']
  execFileSync('target/release/headland', args, { env: { ...process.env, DATABASE_URL: databaseUrl } })
}

/** A gateway that hears of writers; `stop` ends it. */
export async function gateway(databaseUrl, source) {
  const env = { DATABASE_URL: databaseUrl, HEADLAND_CREDENTIAL: 'bench' }
  const args = ['gateway', `--writers=${source}`, '--listen', '127.0.0.1:0']
  const { child } = await start('target/release/headland', args, /listening on (http:\/\/[\d.:]+)/, env)
  return { stop: () => end(child) }
}

/** The emulator with the component that times the dialect. It asks no region. */
export async function dialect(scratch) {
  const args = ['dev', '--manifest', 'bench/dialect/spin.toml', '--listen', '127.0.0.1:0', '--no-watch', '--state', scratch]
  args.push('--region-url', 'http://127.0.0.1:1', '--region-connection', 'postgresql://nobody@localhost/none')
  const program = process.env.HEADLAND_BIN ?? 'target/release/headland'
  const { match } = await start(program, args, /listening on (http:\/\/[\d.:]+)/)
  return match[1]
}

/** The Worker on workerd itself: `wrangler dev` would add a proxy and measure that. */
export function workerd(scratch, dev) {
  const modules = [
    { name: 'index.js', esModule: 'target/worker/index.js' },
    { name: 'index_bg.wasm', wasm: 'target/worker/index_bg.wasm' },
  ]
  return onWorkerd('worker', modules, { ...regionOf(dev), HEADLAND_CONFIG: policy }, false, scratch)
}

/** A Worker of bench/peers/ on workerd, with a KV namespace if it is said so. */
export async function workerdPeer(script, withKv, scratch, dev) {
  const built = path.join(scratch, `${script}.js`)
  const { build } = createRequire(peerFile(script))('esbuild')
  await build({ entryPoints: [peerFile(script)], outfile: built, bundle: true, format: 'esm', minify: true })
  return onWorkerd(script, [{ name: 'index.js', esModule: built }], regionOf(dev), withKv, scratch)
}

function regionOf(dev) {
  return { REGION_URL: dev.regionUrl, REGION_CONNECTION: dev.regionConnection }
}

async function onWorkerd(name, modules, variables, withKv, scratch) {
  const config = path.join(scratch, `${name}.capnp`)
  const text = (value) => JSON.stringify(value)
  const worker = (name, modules, bindings) => {
    // Relative to the configuration: an absolute path is looked for elsewhere.
    const embedded = modules.map(({ name, ...kinds }) => {
      const [[kind, file]] = Object.entries(kinds)
      return `(name = ${text(name)}, ${kind} = embed ${text(path.relative(scratch, file))})`
    })
    return `(name = ${text(name)}, worker = (modules = [${embedded}], bindings = [${bindings}], compatibilityDate = "2026-01-01", globalOutbound = "loopback"))`
  }
  const bindings = Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`)
  const services = ['(name = "loopback", network = (allow = ["local"]))']
  if (withKv) {
    bindings.push('(name = "KV", kvNamespace = "kv")')
    services.push(worker('kv', [{ name: 'kv.mjs', esModule: 'bench/peers/kv.mjs' }], []))
  }
  services.push(worker('main', modules, bindings))
  writeFileSync(config, `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`)
  // The program itself: what npm links is a script that would be ended in its place.
  const packages = path.join(process.env.HEADLAND_NODE_MODULES, 'node_modules/@cloudflare')
  const platform = readdirSync(packages).find((name) => name.startsWith('workerd-'))
  const { match, pid } = await start(path.join(packages, platform, 'bin/workerd'), ['serve', '--control-fd=1', config], /"port":(\d+)/)
  return { url: `http://127.0.0.1:${match[1]}`, pid }
}

/** One of bench/peers/, with a pool of as many connections as the gateway's. */
export async function peer(script, databaseUrl) {
  const { match } = await start(process.execPath, [peerFile(script)], /listening on (http:\/\/[\d.:]+)/, {
    DATABASE_URL: databaseUrl,
    NODE_ENV: 'production',
  })
  return match[1]
}

/** They lie where Node finds their packages. */
function peerFile(script) {
  return path.join(process.env.HEADLAND_NODE_MODULES, 'peers', `${script}.mjs`)
}

/** Ends what was started, last first. */
export async function stopAll() {
  for (const child of children.reverse()) await end(child)
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(late)
}
