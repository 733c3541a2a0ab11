/** The stored form of responses whose cache has a codec. */
import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import type { CacheEvent, Codec } from 'pgstash'
import { age, createApp, fresh, type Site } from './app.ts'

/** Incompressible, so that the size shows whether it was transferred. */
export const BODY = `the secret body, größer than nothing: "quoted"\n${Array.from({ length: 500 }, () => crypto.randomUUID())}`
export const BINARY = crypto.getRandomValues(new Uint8Array(3_000))
export const HEADERS = {
  ...fresh,
  etag: '"the-secret-tag"',
  'x-secret-name': 'secret value',
  'content-type': 'text/x-secret',
  'last-modified': 'Tue, 01 Jan 2030 00:00:00 GMT',
}

/** A handler that evaluates conditions, and whose headers and body can be changed. */
export function createSecretApp(site: Site, codec: Codec, options: Parameters<typeof createApp>[2] = {}) {
  const state = { body: BODY as string | Uint8Array<ArrayBuffer>, headers: HEADERS as Record<string, string> }
  const events: CacheEvent[] = []
  const handler = (c: Context) => {
    const { body, headers } = state
    if (headers.etag !== undefined && c.req.header('if-none-match') === headers.etag) return c.body(null, 304, headers)
    return c.body(body, 200, headers)
  }
  const app = createApp(site, handler, options, { cache: { codec, onEvent: (event) => events.push(event) } })
  const errors = () => events.filter((event) => event.type === 'error').map(({ error }) => Object(error).code)
  return { ...app, state, events, errors }
}

export const get = (headers: Record<string, string> = {}) => ({ headers })

export interface EncodedRow extends Record<string, unknown> {
  readonly key: string
  readonly value: string
  readonly meta: string
}

/** The rows that hold responses, in key order. */
export async function rowsOf(site: Site): Promise<EncodedRow[]> {
  const { rows } = await site.db.execute<EncodedRow>(sql`
    select key, value, meta from cache_entries where meta::jsonb ? 'status' order by key collate "C"`)
  return rows
}

export async function overwriteRow(site: Site, key: string, row: Partial<EncodedRow>): Promise<void> {
  if (row.value !== undefined)
    await site.db.execute(sql`update cache_entries set value = ${row.value} where key = ${key}`)
  if (row.meta !== undefined) await site.db.execute(sql`update cache_entries set meta = ${row.meta} where key = ${key}`)
}

/** Moves the instants that the codec wrote into the past, as `age` does. */
export async function ageEncoded(site: Site, ms: number, codec: Codec): Promise<void> {
  const rows = await rowsOf(site)
  for (const { key, meta } of rows) {
    const fields = await codec.decode(JSON.parse(meta).fields, { key })
    await overwriteRow(site, key, { meta: JSON.stringify({ ...(fields as object), clear: meta }) })
  }
  await age(site, ms)
  for (const { key, meta } of await rowsOf(site)) {
    const { clear, ...fields } = JSON.parse(meta)
    const encoded = await codec.encode(fields, { key })
    const { date, modifiedAt } = fields
    await overwriteRow(site, key, { meta: JSON.stringify({ ...JSON.parse(clear), date, modifiedAt, fields: encoded }) })
  }
  site.faults.reset()
}

/** All rows of all tables, as text: every column, and the decoded content of base64 and hexadecimal in them. */
export async function everything(site: Site): Promise<string> {
  const texts: string[] = []
  for (const table of ['cache_entries', 'cache_leases', 'cache_invalidations']) {
    const { rows } = await site.db.execute<{ row: string }>(
      sql`select t::text as row from ${sql.identifier(table)} as t`,
    )
    texts.push(...rows.map(({ row }) => row))
  }
  const text = texts.join('\n')
  const decoded = [...text.matchAll(/[A-Za-z0-9+/]{8,}=*/g)].flatMap(([part]) => [
    Buffer.from(part, 'base64').toString('latin1'),
    Buffer.from(part, 'hex').toString('latin1'),
  ])
  return [text, ...decoded].join('\n')
}
