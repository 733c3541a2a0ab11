import pg from 'pg'
import { beforeAll, expect, inject, it } from 'vitest'
import { fieldDigests, variantKey } from '../../src/http/variant-key.ts'
import { cleanup } from '../setup/cleanup.ts'

/** A lookup computes this from the field names that the row of a URL records; see variant-key.ts. */
const VARIANT_KEY = `
  select coalesce(encode(sha256(convert_to(string_agg(
    name || ':' || coalesce($2::jsonb ->> name, '-'), e'\\n' order by name collate "C"), 'UTF8')), 'hex'), '') as key
  from unnest($1::text[]) name`

const client = new pg.Client({ connectionString: inject('databaseUrl') })

beforeAll(async () => {
  await client.connect()
  cleanup(() => client.end())
})

it.each([
  [[], { cookie: 'a' }],
  [['cookie'], { cookie: 'a' }],
  [['cookie'], {}],
  [['accept-encoding', 'cookie', 'x-absent'], { cookie: 'a', 'accept-encoding': 'br, gzip' }],
  [['!x', '__proto__', 'x-1', 'x-b', 'x_a'], { '!x': '1', ['__proto__']: '2', 'x-b': '3', x_a: '4' }],
])('a statement computes the same variant key from %j as JavaScript does', async (names, fields) => {
  const digests = fieldDigests(new Headers(Object.entries(fields)), 'GET https://example.com/')
  const { rows } = await client.query(VARIANT_KEY, [names, JSON.stringify(Object.fromEntries(digests))])
  expect(rows).toEqual([{ key: variantKey(names, digests) }])
})
