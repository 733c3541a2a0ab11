import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { neon } from '@neondatabase/serverless'
import type pg from 'pg'
import { capture } from '../harness/capture.ts'
import { ROOT } from '../harness/checkout.ts'
import { measure, once, slicesOf, timeCells } from '../harness/measure.ts'
import type { Case, Cell, Figure, Question } from '../harness/question.ts'
import { bySize } from '../harness/settings.ts'

const FROM = 0.9
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

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

interface Way {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** The ways to cut ten bytes near the end out of a body that is stored as text, or as base64. */
function rangeWays(body: string, key: string): Way[] {
  const offset = Math.floor(Buffer.byteLength(body) * FROM)
  const converted = `encode(substring(convert_to(body, 'UTF8') from ${offset + 1} for 10), 'base64')`
  const inBase64 = `from ${Math.floor(offset / 3) * 4 + 1} for 16`
  const way = (name: string, what: string, table = 'bodies', row = key): Way => {
    return { name, text: `select ${what} from ${table} where name = $1`, values: [row] }
  }
  return [
    way('the whole body', 'body'),
    way('substr, by characters', `substr(body, ${offset + 1}, 10)`),
    way('the same, storage external', `substr(body, ${offset + 1}, 10)`, 'external_bodies'),
    way('bytes of convert_to (pgstash)', converted),
    way('bytes of convert_to, storage external', converted, 'external_bodies'),
    way('base64, substr', `substring(body ${inBase64})`, 'bodies', `${key} base64`),
    way(
      'base64, bytes of convert_to (pgstash)',
      `convert_from(substring(convert_to(body, 'UTF8') ${inBase64}), 'UTF8')`,
      'bodies',
      `${key} base64`,
    ),
  ]
}

/** The ways to store bytes: the type of the column, and what travels. */
function formats(body: Uint8Array): { name: string; table: string; read: string; write: string; sent: string }[] {
  const hexadecimal = `\\x${Buffer.from(body).toString('hex')}`
  return [
    { name: 'text in base64 (pgstash)', table: 'bodies', read: 'body', write: '$2', sent: base64(body) },
    { name: 'bytea, sent in hexadecimal', table: 'binary_bodies', read: 'body::text', write: '$2', sent: hexadecimal },
    {
      name: 'bytea, sent in base64',
      table: 'binary_bodies',
      read: `encode(body, 'base64')`,
      write: `decode($2, 'base64')`,
      sent: base64(body),
    },
  ]
}

async function createTables(pool: pg.Pool): Promise<void> {
  await pool.query('create table bodies (name text primary key, body text)')
  await pool.query('create table external_bodies (name text primary key, body text)')
  await pool.query('alter table external_bodies alter body set storage external')
  await pool.query('create table binary_bodies (name text primary key, body bytea)')
}

export default {
  title: 'What does a range of a stored response cost?',
  about: `Ten bytes near the end of a body, over HTTP on loopback, and the forms in which bytes that are not text can be stored.`,
  async run(bench) {
    const database = await bench.createDatabase()
    const pool = bench.createPool(database)
    await createTables(pool)
    const { query } = neon(await bench.neon(database))
    const slices = slicesOf(bench.settings)
    const ranges: Case[] = []
    for (const bytes of bySize(bench.settings, [1_000, 100_000], [1_000, 100_000, 8_000_000])) {
      for (const [kind, word] of [['ASCII', 'plain'] as const, ['UTF-8', 'größer — naïve'] as const]) {
        const body = page(bytes, word)
        const key = `${kind} ${bytes}`
        for (const table of ['bodies', 'external_bodies']) {
          await pool.query(`insert into ${table} values ($1, $2)`, [key, body])
          await pool.query(`insert into ${table} values ($1, $2)`, [`${key} base64`, base64(Buffer.from(body))])
        }
        const ways = rangeWays(body, key)
        const variants = ways.map(({ name, text, values }) => ({ name, run: () => query(text, [...values]) }))
        const cells = timeCells(await measure(variants, slices), 'milliseconds', 'the whole body')
        ranges.push({ name: `${bytes.toLocaleString('en')} characters of ${kind}`, cells })
      }
    }
    const wasm = await readFile(join(ROOT, 'node_modules/@electric-sql/pglite/dist/pglite.wasm'))
    const bodies = {
      'noise, as an image is': noise(bySize(bench.settings, 100_000, 8_000_000)),
      'a WebAssembly module': wasm,
    }
    const times: Case[] = []
    const sizes: Case[] = []
    for (const [kind, body] of Object.entries(bodies)) {
      const ways = formats(body)
      const upsert = 'on conflict (name) do update set body = excluded.body'
      const write = ({ table, write, sent }: (typeof ways)[number]) =>
        query(`insert into ${table} values ($1, ${write}) ${upsert}`, [kind, sent])
      const read = ({ table, read }: (typeof ways)[number]) =>
        query(`select ${read} as body from ${table} where name = $1`, [kind])
      for (const way of ways) await write(way)
      for (const [what, work] of [['a read', read] as const, ['a write', write] as const]) {
        const variants = ways.map((way) => ({ name: way.name, run: () => work(way) }))
        const cells = timeCells(await measure(variants, slices), 'milliseconds', ways[0]?.name)
        times.push({ name: `${what} of ${kind}`, cells })
      }
      const stored: Cell[] = []
      const sent: Cell[] = []
      for (const way of ways) {
        await write(way)
        const { rows } = await pool.query(`select pg_column_size(body) as size from ${way.table} where name = $1`, [
          kind,
        ])
        stored.push(once(way.name, Number(rows[0].size)))
        const requests = await capture(() => write(way))
        sent.push(
          once(
            way.name,
            requests.reduce((sum, { bytes }) => sum + bytes, 0),
          ),
        )
      }
      sizes.push({ name: `${kind} of ${body.length.toLocaleString('en')} bytes, stored`, cells: stored })
      sizes.push({ name: `${kind}, sent by a write`, cells: sent })
    }
    return [
      { title: 'Ten bytes near the end of a text', unit: 'milliseconds', better: 'lower', cases: ranges },
      { title: 'Bodies that are not text', unit: 'milliseconds', better: 'lower', cases: times },
      { title: 'Bytes of bodies that are not text', unit: 'bytes', better: 'lower', cases: sizes },
    ] satisfies Figure[]
  },
} satisfies Question
