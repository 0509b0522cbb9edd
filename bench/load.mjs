// Load: wrk over HTTP, pgbench on Postgres itself.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Requests for random movies, or the first `keys` of them, on `connections` connections; refuses to give figures for anything but successes. */
export async function load({ url, path: template, keys = 3151, scratch, seconds, connections }) {
  const script = path.join(scratch, 'wrk.lua')
  // Made ahead: wrk shares the machine with what it measures.
  writeFileSync(script, `math.randomseed(os.time())
local template, requests = ${JSON.stringify(template)}, {}
init = function() for n = 1, ${keys} do requests[n] = wrk.format('GET', (template:gsub('N', tostring(n), 1))) end end
request = function() return requests[math.random(${keys})] end
`)
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '--timeout', '10s', '-s', script, url]
  const { stdout } = await run('wrk', args)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}${template}:\n${stdout}`)
  const milliseconds = (line) => {
    const [, value, unit] = stdout.match(new RegExp(`${line}%\\s+([\\d.]+)(us|ms|s)`))
    return value * { us: 0.001, ms: 1, s: 1000 }[unit]
  }
  return { rps: Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1]), p50: milliseconds(50), p99: milliseconds(99) }
}

/**
 * `count` requests, each for another number from `first` on, whose answers nobody has asked for. wrk sleeps for as long as it was
 * told to, whatever its script says; a signal wakes it.
 */
export async function sequence({ url, path: template, first, count, scratch, connections }) {
  const script = path.join(scratch, 'sequence.lua')
  writeFileSync(script, `local template, number, left = ${JSON.stringify(template)}, ${first - 1}, ${count}
request = function()
  number = number + 1
  return wrk.format('GET', (template:gsub('N', tostring(number), 1)))
end
response = function()
  left = left - 1
  if left == 0 then
    wrk.thread:stop()
    io.write('all are answered\\n')
    io.flush()
  end
end
`)
  const args = ['-t1', `-c${connections}`, '-d3600s', '--timeout', '10s', '-s', script, url]
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
    if (/all are answered/.test(chunk)) child.kill('SIGINT')
  })
  await once(child, 'close')
  if (/Non-2xx|Socket errors/.test(printed) || !/Requests\/sec/.test(printed)) throw new Error(`${url}${template}:\n${printed}`)
}

/**
 * The same statement without anything in between, prepared, on as many connections as the gateway has. pgbench gives the
 * average latency, which stands for p50, and no percentiles.
 */
export async function pgbench({ workload, dev, scratch, seconds }) {
  const script = path.join(scratch, 'pgbench.sql')
  writeFileSync(script, `${workload.sql.replace('from movies', 'from public.movies').replace('join directors', 'join public.directors')}\n`)
  const database = new URL(dev.databaseUrl)
  const args = ['-n', '-M', 'prepared', '-c10', '-j1', `-T${seconds}`, '-f', script]
  const env = {
    ...process.env,
    PGHOST: decodeURIComponent(database.searchParams.get('host') ?? database.hostname),
    PGPORT: database.port || database.searchParams.get('port') || '5432',
    PGUSER: decodeURIComponent(database.username),
    PGPASSWORD: decodeURIComponent(database.password),
    PGDATABASE: database.pathname.slice(1),
    // The authenticator itself may read nothing.
    PGOPTIONS: '-c role=anon',
  }
  const { stdout } = await run(process.env.PGBENCH ?? 'pgbench', args, { env, cwd: scratch })
  const average = Number(stdout.match(/latency average = ([\d.]+) ms/)[1])
  return { rps: Number(stdout.match(/tps = ([\d.]+)/)[1]), p50: average, p99: null }
}
