/** Transaction ids can go backwards. A tier that remembers its position in the change log must notice. */
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { type Cache, createCache, type Database, memoryCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { type Address, createAddress, createMember, type Member } from '../setup/cluster.ts'
import { createPool } from '../setup/databases.ts'
import { connectors } from '../setup/drivers.ts'
import { eventually } from '../setup/eventually.ts'

async function query(url: string, text: string): Promise<Record<string, string>[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Consumes this many transaction ids. */
const spend = (url: string, count: number) =>
  query(url, `do $$ begin for i in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`)
const nextId = async (url: string) =>
  Number((await query(url, 'select pg_snapshot_xmax(pg_current_snapshot())::text as id'))[0]?.id)

interface Fault {
  /** True if ids go backwards, false if only the change log is replaced. */
  readonly takesIdsBack: boolean
  /** Marks the state to return to, and returns a function that returns to it. */
  mark(member: Member, address: Address): Promise<() => Promise<void>>
}

const FAULTS: Record<string, Fault> = {
  'a standby that lags is promoted': {
    takesIdsBack: true,
    async mark(primary, address) {
      await primary.stop()
      const standby = await primary.copy()
      await primary.start()
      await standby.follow(primary)
      await standby.start()
      await query(primary.url, 'create table streamed ()')
      // Otherwise the WAL is flushed and sent seconds later.
      await query(primary.url, 'checkpoint')
      await eventually(() => query(standby.url, 'select from streamed'))
      await standby.stop()
      return async () => {
        await primary.stop()
        await standby.start()
        await query(standby.url, 'select pg_promote()')
        address.lead(standby.url)
      }
    },
  },
  'a crash loses commits': {
    takesIdsBack: true,
    async mark(member) {
      await query(member.url, 'checkpoint')
      await member.stopFlushing()
      return () => member.crash()
    },
  },
  'a backup is restored': {
    takesIdsBack: true,
    async mark(member, address) {
      await member.stop()
      const backup = await member.copy()
      await member.start()
      return async () => {
        await member.stop()
        await backup.start()
        address.lead(backup.url)
      }
    },
  },
  'a copy of the database takes its name': {
    takesIdsBack: false,
    async mark(member, address) {
      const admin = member.url.replace(/\/\w+$/, '/template1')
      const rename = (from: string, to: string) => query(admin, `alter database ${from} rename to ${to}`)
      const disconnect = () =>
        query(admin, `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'`)
      await disconnect()
      await query(admin, 'create database copy template postgres')
      return async () => {
        await disconnect()
        await rename('postgres', 'old')
        await rename('copy', 'postgres')
        address.lead(member.url)
      }
    },
  },
  'the log of changes is emptied': {
    takesIdsBack: false,
    async mark(member) {
      return async () => {
        await query(member.url, `delete from cache_entries where key = 'key'`)
        await query(member.url, 'truncate cache_changes')
      }
    },
  },
}

describe.each(Object.entries(FAULTS))('after %s', (_name, { takesIdsBack, mark }) => {
  it('a tier drops its copies, also if the ids have caught up, on every driver', { timeout: 300_000 }, async () => {
    const member = await createMember()
    const address = await createAddress(member.url)
    await migrate(drizzle({ client: createPool(member.url) }), { changes: true })
    const other = createCache(drizzle({ client: createPool(address.url) }), { timeout: 60_000 })
    const goBack = await mark(member, address)
    const early: Cache[] = []
    const late: Cache[] = []
    for (const connect of Object.values(connectors)) {
      const db = await connect(address.url)
      for (const tiers of [early, late]) tiers.push(tierOver(db))
    }
    await eventually(() => other.set('key', 'lost'))
    await spend(member.url, 50)
    for (const tier of [...early, ...late]) expect(await eventually(() => tier.get('key'))).toBe('lost')
    const before = await nextId(member.url)

    await goBack()
    expect((await nextId(address.url)) < before).toBe(takesIdsBack)
    expect(await seenBy(early)).toEqual(early.map(() => undefined))
    await spend(address.url, 200)
    expect(await seenBy(late)).toEqual(late.map(() => undefined))

    await eventually(() => other.set('key', 'new'))
    expect(await seenBy([...early, ...late])).toEqual([...early, ...late].map(() => 'new'))
  })
})

function tierOver(db: Database): Cache {
  const l2 = createCache(db, { timeout: 60_000 })
  return tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h', changes: true })
}

/** The answer of each tier after it has read another key, which brings it the changes. */
async function seenBy(tiers: readonly Cache[]): Promise<unknown[]> {
  return Promise.all(
    tiers.map(async (tier) => {
      // A connection may have been lost.
      await eventually(() => tier.get('something else'))
      return tier.get('key')
    }),
  )
}
