// Runs Neon's serverless driver, as it comes from npm, against a gateway.
//
//   node neon_driver.mjs FOLDER_WITH_NODE_MODULES SQL_URL CONNECTION_STRING

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [folder, url, connectionString] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), 'from-here.js'));
const { neon, neonConfig, NeonDbError } = require('@neondatabase/serverless');

neonConfig.fetchEndpoint = () => url;
const sql = neon(connectionString);

await templates();
await types();
await modes();
await transactions();
await errors();
console.log('all held');

async function templates() {
  assert.deepEqual(await sql`SELECT ${1}::int AS a, ${'it\'s "x"\n🎬'} AS b, ${null}::text AS c`, [
    { a: 1, b: 'it\'s "x"\n🎬', c: null },
  ]);
  await sql`CREATE TABLE movies (id int PRIMARY KEY, title text NOT NULL)`;
  const inserted = await sql`INSERT INTO movies VALUES (${1}, ${'Alien'}), (${2}, ${'Brazil'}) RETURNING id`;
  assert.deepEqual(inserted, [{ id: 1 }, { id: 2 }]);
  const condition = sql`id > ${1}`;
  assert.deepEqual(await sql`SELECT title FROM movies WHERE ${condition}`, [{ title: 'Brazil' }]);
  const table = sql.unsafe('movies');
  assert.deepEqual(await sql`SELECT count(*) AS n FROM ${table}`, [{ n: '2' }]);
  assert.deepEqual(await sql.query('SELECT title FROM movies WHERE id = $1', [1]), [{ title: 'Alien' }]);
}

async function types() {
  const when = new Date('2024-02-29T12:34:56.789Z');
  const bytes = Buffer.from([0, 1, 0x5c, 0x22, 0xff]);
  const parameters = [
    ['timestamptz', when, when],
    ['date', '2024-02-29', new Date(2024, 1, 29)],
    ['jsonb', { a: [1, null, 'x\n"'], b: { c: true } }, { a: [1, null, 'x\n"'], b: { c: true } }],
    ['json', JSON.stringify([1, { a: 2 }]), [1, { a: 2 }]],
    ['int[]', [1, null, 3], [1, null, 3]],
    ['int[]', [[1, 2], [3, 4]], [[1, 2], [3, 4]]],
    ['text[]', ['', 'NULL', 'a,b', '{}', '"', '\\', 'line\nbreak', null], ['', 'NULL', 'a,b', '{}', '"', '\\', 'line\nbreak', null]],
    ['bytea', bytes, bytes],
    ['int8', 9007199254740993n, '9007199254740993'],
    ['numeric', '12345678901234567890.123456789', '12345678901234567890.123456789'],
    ['float8', 0.1, 0.1],
    ['float8', NaN, NaN],
    ['bool', true, true],
    ['uuid', '00000000-0000-4000-8000-000000000000', '00000000-0000-4000-8000-000000000000'],
    ['text', 'x'.repeat(100000), 'x'.repeat(100000)],
  ];
  for (const [type, given, expected] of parameters) {
    const [{ v }] = await sql.query(`SELECT $1::${type} AS v`, [given]);
    assert.deepEqual(v, expected, type);
  }
  const [{ v }] = await sql`SELECT ${bytes} AS v`;
  assert.deepEqual(v, bytes);
}

async function modes() {
  const rows = await sql.query('SELECT 1 AS a, 2 AS a', [], { arrayMode: true });
  assert.deepEqual(rows, [[1, 2]]);
  const full = await sql.query('SELECT id, title FROM movies ORDER BY id', [], { fullResults: true });
  assert.equal(full.command, 'SELECT');
  assert.equal(full.rowCount, 2);
  assert.equal(full.rowAsArray, false);
  assert.deepEqual(full.fields.map(({ name, dataTypeID }) => [name, dataTypeID]), [['id', 23], ['title', 25]]);
  assert.ok(full.fields[0].tableID > 0 && full.fields[1].columnID === 2);
  assert.deepEqual(full.rows[0], { id: 1, title: 'Alien' });
  const both = neon(connectionString, { arrayMode: true, fullResults: true });
  const array = await both`SELECT title FROM movies WHERE id = ${2}`;
  assert.deepEqual([array.rows, array.rowAsArray, array.rowCount], [[['Brazil']], true, 1]);
}

async function transactions() {
  const [first, second] = await sql.transaction([
    sql`INSERT INTO movies VALUES (${3}, ${'Clue'})`,
    sql`SELECT count(*)::int AS n FROM movies`,
  ]);
  assert.deepEqual([first, second], [[], [{ n: 3 }]]);
  const settings = (transaction) => transaction`SELECT current_setting('transaction_isolation') AS i,
    current_setting('transaction_read_only') AS r, current_setting('transaction_deferrable') AS d`;
  const options = { isolationLevel: 'Serializable', readOnly: true, deferrable: true };
  const [[shown]] = await sql.transaction((transaction) => [settings(transaction)], options);
  assert.deepEqual(shown, { i: 'serializable', r: 'on', d: 'on' });
  const [full] = await sql.transaction([sql`SELECT 1 AS a`], { fullResults: true, arrayMode: true });
  assert.deepEqual([full.rows, full.rowCount], [[[1]], 1]);
  await assert.rejects(
    sql.transaction([sql`INSERT INTO movies VALUES (4, 'Dune')`, sql`SELECT 1/0`]),
    (error) => error instanceof NeonDbError && error.code === '22012',
  );
  await assert.rejects(
    sql.transaction([sql`INSERT INTO movies VALUES (4, 'Dune')`], { readOnly: true }),
    (error) => error.code === '25006',
  );
  assert.deepEqual(await sql`SELECT count(*)::int AS n FROM movies`, [{ n: 3 }]);
}

async function errors() {
  await assert.rejects(sql`INSERT INTO movies VALUES (1, 'Again')`, (error) => {
    assert.ok(error instanceof NeonDbError);
    const { message, code, severity, detail, schema, table, constraint } = error;
    assert.deepEqual({ message, code, severity, detail, schema, table, constraint }, {
      message: 'duplicate key value violates unique constraint "movies_pkey"',
      code: '23505',
      severity: 'ERROR',
      detail: 'Key (id)=(1) already exists.',
      schema: 'public',
      table: 'movies',
      constraint: 'movies_pkey',
    });
    return true;
  });
  await assert.rejects(sql`SELECT nope`, (error) => error.code === '42703' && error.position === '8');
  const stranger = neon(connectionString.replace(/:\/\/[^@]*@/, '://edge:wrong@'));
  await assert.rejects(stranger`SELECT 1`, (error) => /password authentication failed for user 'edge'/.test(error.message));
}
