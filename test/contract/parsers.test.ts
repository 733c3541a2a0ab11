/** The contract over drivers whose types a program has replaced: every parser but that of text, every transform. */
import { neon, types as neonTypes } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import type { Database } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { cacheContract } from 'pgstash/testing'
import postgres from 'postgres'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import '../setup/neon.ts'
import { postgresStore } from '../setup/postgres-store.ts'

// A large contract, on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

/** bool, int8, int2, int4, json, xid, float4, float8, text[], xid8, timestamptz, numeric, jsonb, pg_snapshot. */
const OIDS = [16, 20, 21, 23, 114, 28, 700, 701, 1009, 5069, 1184, 1700, 3802, 5038]
const TEXT = 25

/** A stand-in for a Decimal or Temporal class: an object that does not compare. */
class Replaced {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
const replace = (text: string) => new Replaced(text)

type Transforms = NonNullable<Parameters<typeof postgres>[1]>['transform']

async function postgresJs(transform: Transforms): Promise<Database> {
  const parsers = Object.fromEntries(
    OIDS.map((oid) => [`type${oid}`, { to: oid, from: [oid], serialize: refuse, parse: replace }]),
  )
  const client = postgres(await createDatabase(), {
    fetch_types: false,
    types: parsers as never,
    onnotice: () => {},
    ...(transform && { transform }),
  })
  cleanup(() => client.end())
  return drizzlePostgres({ client })
}

/** The cache sends only text in its statements. The tests send numbers too. */
function refuse(value: unknown): string {
  if (typeof value === 'number') return String(value)
  throw new TypeError('A serializer that expects its own class.')
}

/** A proxy like the one in its documentation, in front of a driver that parses every type it can. */
async function proxy(): Promise<Database> {
  const pool = createPool(await createDatabase())
  return drizzleProxy(async (text, params, method) => {
    const { rows } = await pool.query({ text, values: params, ...(method === 'all' && { rowMode: 'array' as const }) })
    return { rows }
  })
}

const upper = { column: { from: (name: string) => name.toUpperCase() } }

const drivers: Record<string, () => Promise<Database>> = {
  'node-postgres with type parsers of the program’s own': async () =>
    drizzlePg({ client: createPool(await createDatabase()) }),
  'neon-http with type parsers of the program’s own, for text too': async () => {
    const server = await startLocalNeon({ database: await createDatabase() })
    cleanup(() => server.close())
    return drizzleNeon({ client: neon(server.connectionString) })
  },
  'pg-proxy with type parsers of the program’s own': proxy,
  'postgres-js without fetch_types, with upper-case columns': () => postgresJs(upper),
  'postgres-js without fetch_types, with postgres.camel': () => postgresJs(postgres.camel),
  'postgres-js without fetch_types, with undefined in the place of null': () =>
    postgresJs({ undefined: null, value: { from: (value: unknown) => value ?? undefined } }),
}

beforeAll(() => {
  for (const oid of OIDS) {
    pg.types.setTypeParser(oid as never, replace as never)
    neonTypes.setTypeParser(oid as never, replace as never)
  }
  neonTypes.setTypeParser(TEXT as never, replace as never)
})

for (const [name, connect] of Object.entries(drivers)) {
  describe(name, () =>
    cacheContract(
      { describe, it, expect },
      lazily(async () => postgresStore(await connect())),
    ),
  )
}
