/** What does a range of a stored body cost, by how it is cut? And in what form are bodies stored that are not text? */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { neon } from '@neondatabase/serverless'
import { beforeAll, it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'
import { createNeon } from '../test/setup/neon.ts'
import { compare, type Variant } from './measure.ts'

const SIZES = [1_000, 100_000, 8_000_000]
const FROM = 0.9
const READ_BYTES = 16_000_000
const MAX_READS = 200

type Site = Awaited<ReturnType<typeof createSite>>
let site: Site

async function createSite() {
  const database = await createDatabase()
  const { faults, server } = await createNeon(database)
  const pool = createPool(database)
  await pool.query('create table bodies (name text primary key, body text)')
  await pool.query('create table external_bodies (name text primary key, body text)')
  await pool.query('alter table external_bodies alter body set storage external')
  await pool.query('create table binary_bodies (name text primary key, body bytea)')
  return { pool, faults, query: neon(server.connectionString) }
}

beforeAll(async () => {
  site = await createSite()
})

/** A page, as far as compression is concerned. @param word a text that tells ASCII from other UTF-8 */
function page(bytes: number, word: string): string {
  let text = ''
  for (let i = 0; text.length < bytes; i++) {
    text += `<li class="item-${(i * 7_919) % 1_000}"><a href="/posts/${i}">${word} ${crypto.randomUUID()}</a></li>\n`
  }
  return text.slice(0, bytes)
}

function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536))
  return bytes
}

function reading(name: string, text: string, params: unknown[], bytes: number): Variant {
  const reads = Math.max(3, Math.min(MAX_READS, Math.round(READ_BYTES / bytes)))
  return {
    name,
    async run() {
      for (let i = 0; i < reads; i++) await site.query.query(text, params)
      return reads
    },
  }
}

async function moved(text: string, params: unknown[]): Promise<string> {
  site.faults.reset()
  await site.query.query(text, params)
  const { bytesIn, bytesOut } = site.faults
  return `${bytesIn.toLocaleString('en').padStart(12)} to ${bytesOut.toLocaleString('en').padStart(12)} from`
}

it.each([
  ['ASCII', 'plain'],
  ['UTF-8', 'größer — naïve'],
])('ten bytes near the end of a body of %s', async (kind, word) => {
  for (const size of SIZES) {
    const body = page(size, word)
    const bytes = Buffer.byteLength(body)
    const at = Math.floor(bytes * FROM)
    const name = `${kind} ${size}`
    for (const table of ['bodies', 'external_bodies']) {
      await site.pool.query(`insert into ${table} values ($1, $2)`, [name, body])
      await site.pool.query(`insert into ${table} values ($1, $2)`, [
        `${name} base64`,
        Buffer.from(body).toString('base64'),
      ])
    }
    const converted = (table: string) =>
      `select encode(substring(convert_to(body, 'UTF8') from ${at + 1} for 10), 'base64') from ${table} where name = $1`
    const inBase64 = `from ${Math.floor(at / 3) * 4 + 1} for 16`
    const ways: [string, string, string][] = [
      ['the whole body', 'select body from bodies where name = $1', name],
      ['substr, by characters', `select substr(body, ${at + 1}, 10) from bodies where name = $1`, name],
      ['the same, storage external', `select substr(body, ${at + 1}, 10) from external_bodies where name = $1`, name],
      ['bytes of convert_to (pgstash)', converted('bodies'), name],
      ['the same, storage external', converted('external_bodies'), name],
      ['stored in base64, substr', `select substring(body ${inBase64}) from bodies where name = $1`, `${name} base64`],
      [
        'stored in base64, convert_to (pgstash)',
        `select convert_from(substring(convert_to(body, 'UTF8') ${inBase64}), 'UTF8') from bodies where name = $1`,
        `${name} base64`,
      ],
    ]
    await compare(
      `ten bytes near the end of ${bytes.toLocaleString('en')} bytes of ${kind}, over HTTP`,
      ways.map(([way, text, key]) => reading(way, text, [key], bytes)),
    )
    for (const [way, text, key] of ways) console.log(`  ${way.padEnd(48)} ${await moved(text, [key])}`)
  }
})

it('bodies that are not text', async () => {
  const wasm = fileURLToPath(new URL('../node_modules/@electric-sql/pglite/dist/pglite.wasm', import.meta.url))
  const bodies: [string, Uint8Array][] = [
    ['1 KB of noise, as an image is', noise(1_000)],
    ['100 KB of noise', noise(100_000)],
    ['8 MB of noise', noise(8_000_000)],
    ['a WebAssembly module', new Uint8Array(await readFile(wasm))],
  ]
  for (const [name, body] of bodies) {
    const base64 = Buffer.from(body).toString('base64')
    await site.pool.query('insert into bodies values ($1, $2)', [name, base64])
    await site.pool.query('insert into binary_bodies values ($1, $2)', [name, body])
    const ways: [string, string, string, string, string][] = [
      ['text in base64 (pgstash)', 'bodies', 'body', '$2', base64],
      ['bytea, in hexadecimal on the way', 'binary_bodies', 'body', '$2', `\\x${Buffer.from(body).toString('hex')}`],
      ['bytea, in base64 on the way', 'binary_bodies', "encode(body, 'base64')", "decode($2, 'base64')", base64],
    ]
    const read = (table: string, column: string) => `select (${column})::text as body from ${table} where name = $1`
    const write = (table: string, value: string) =>
      `insert into ${table} values ($1, ${value}) on conflict (name) do update set body = excluded.body`
    await compare(
      `a read of ${name}: ${body.length.toLocaleString('en')} bytes, over HTTP`,
      ways.map(([way, table, column]) => reading(way, read(table, column), [name], body.length)),
    )
    await compare(
      `a write of the same`,
      ways.map(([way, table, , value, param]) => reading(way, write(table, value), [name, param], body.length)),
    )
    for (const [way, table, column, value, param] of ways) {
      const { rows } = await site.pool.query(`select pg_column_size(body) as bytes from ${table} where name = $1`, [
        name,
      ])
      const stored = Number(rows[0]?.bytes).toLocaleString('en').padStart(12)
      console.log(`  ${way.padEnd(40)} stored ${stored}`)
      console.log(`    write ${await moved(write(table, value), [name, param])}`)
      console.log(`    read  ${await moved(read(table, column), [name])}`)
    }
  }
})
