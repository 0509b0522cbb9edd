// What it costs a writer that the region hears of it, by Postgres' own benchmark. Called by `scripts/bench writers`.
//
//   node bench/writers.mjs [--seconds 3] [--rounds 3]
//
// One row is updated in a transaction that is sent as one pipeline, as the gateway sends one. A gateway listens while its
// database has its turn, and not while others have theirs: a log is read for all databases.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { command, median, option } from './command.mjs'
import { gateway, headlandDev, migrate, stopAll } from './servers.mjs'

const run = promisify(execFile)
const seconds = option('seconds', 3)
const rounds = option('rounds', 3)
const CLIENTS = [32, 8, 1]
const ROWS = 10_000

/** As native/gateway/src/writers has them. */
const REPORTER = "SELECT set_config('headland.reporter', :reporter, true);"
const NOTED = `SELECT pg_current_xact_id_if_assigned(), pg_current_snapshot(), current_setting('headland.wrote', true),
  set_config('headland.reporter', '', true);`.replace('\n', '')
const STREAMED = `SELECT pg_current_xact_id_if_assigned(), pg_current_snapshot(), pg_logical_emit_message(true, 'headland', '0123456789abcdef');`

/** Databases, and what is done to each. */
const databases = {
  bench_nothing: {},
  bench_empty: {
    sql: `CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER nothing AFTER UPDATE ON counted FOR EACH STATEMENT EXECUTE FUNCTION nothing()`,
  },
  bench_triggers: { source: 'triggers' },
  bench_log: { source: 'replication' },
}
const systems = [
  { name: 'nothing', database: 'bench_nothing' },
  { name: 'triggers: an empty one', database: 'bench_empty' },
  { name: 'triggers: a write that its gateway reports', database: 'bench_triggers', before: REPORTER, after: NOTED },
  { name: 'triggers: a write that the database notifies of', database: 'bench_triggers' },
  { name: 'the log: a write through the gateway', database: 'bench_log', after: STREAMED },
  { name: 'the log: any other write', database: 'bench_log' },
]

async function main(scratch) {
  await headlandDev(scratch)
  const superuser = new URL(readFileSync(path.join(scratch, 'state/postgres/url'), 'utf8').trim())
  const url = (database) => Object.assign(new URL(superuser), { pathname: `/${database}` }).href
  const psql = async (database, sql) => (await run(process.env.PSQL, ['-XAtq', '-v', 'ON_ERROR_STOP=1', url(database), '-c', sql])).stdout.trim()
  await psql('postgres', 'ALTER SYSTEM SET wal_level = logical')
  await stopAll()
  await headlandDev(scratch)
  for (const [database, { sql, source }] of Object.entries(databases)) {
    await psql('postgres', `CREATE DATABASE ${database}`)
    const table = `CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL); INSERT INTO counted SELECT generate_series(1, ${ROWS}), 0`
    await psql(database, `${table}; ${sql ?? ''}`)
    if (source) await migrate(url(database), source)
  }

  const measure = async ({ database, before = '', after = '' }, clients) => {
    const { source } = databases[database]
    const listener = source && (await gateway(url(database), source))
    const reporter = source === 'triggers' ? await psql(database, 'SELECT name FROM headland.reporter') : 'nobody'
    const script = path.join(scratch, 'writers.sql')
    const statements = ['BEGIN;', before, 'UPDATE counted SET n = n + 1 WHERE id = :id;', after, 'COMMIT;'].filter(Boolean)
    writeFileSync(script, [`\\set id random(1, ${ROWS})`, '\\startpipeline', ...statements, '\\endpipeline', ''].join('\n'))
    const args = ['-n', '-M', 'extended', `-c${clients}`, '-j1', `-T${seconds}`, '-D', `reporter=${reporter}`, '-f', script, url(database)]
    const { stdout } = await run(process.env.PGBENCH, args)
    await listener?.stop()
    return Number(stdout.match(/tps = ([\d.]+)/)[1])
  }

  console.log(`| of what it is with nothing | ${CLIENTS.map((clients) => `${clients} ${clients === 1 ? 'client' : 'clients'}`).join(' | ')} |`)
  console.log(`| --- |${' ---: |'.repeat(CLIENTS.length)}`)
  const rates = systems.map(() => CLIENTS.map(() => []))
  for (let round = 0; round < rounds; round++) {
    for (const [at, system] of systems.entries()) {
      for (const [column, clients] of CLIENTS.entries()) rates[at][column].push(await measure(system, clients))
    }
  }
  for (const [at, { name }] of systems.entries()) {
    const cells = CLIENTS.map((_, column) => {
      const [rate, base] = [rates[at][column], rates[0][column]].map(median)
      return at === 0 ? `${Math.round(base)}/s` : (rate / base).toFixed(2)
    })
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

await command(main)
