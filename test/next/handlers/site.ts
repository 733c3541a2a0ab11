/** A database with the cache's tables, over HTTP, and helpers for the handlers' tests. */
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { type Cache, type CacheEvent, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { UseCacheEntry } from 'pgstash/next'
import type { Faults } from 'pgstash/testing'
import { createDatabase } from '../../setup/databases.ts'
import { createNeon } from '../../setup/neon.ts'

export interface Site {
  readonly db: NeonHttpDatabase
  readonly faults: Faults
  readonly cache: Cache
  readonly events: CacheEvent[]
}

export async function createSite(): Promise<Site> {
  const { db, faults } = await createNeon(await createDatabase())
  await migrate(db)
  const events: CacheEvent[] = []
  return { db, faults, events, cache: createCache(db, { timeout: 60_000, onEvent: (event) => events.push(event) }) }
}

/** Counts the requests and statements of some work. */
export async function costOf(faults: Faults, work: () => Promise<unknown>) {
  faults.reset()
  await work()
  return { requests: faults.requests, statements: faults.statements }
}

export const ONE = { requests: 1, statements: 1 }

export function streamOf(...chunks: (Uint8Array | string)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
      controller.close()
    },
  })
}

/** An entry as Next creates it, whose computation begins now. */
export function entryOf(value: string | Uint8Array, fields: Partial<UseCacheEntry> = {}): UseCacheEntry {
  return {
    value: streamOf(value),
    tags: [],
    stale: 300,
    timestamp: performance.timeOrigin + performance.now(),
    expire: 3_600,
    revalidate: 900,
    ...fields,
  }
}

export async function bytesOf(entry: UseCacheEntry | undefined): Promise<Uint8Array | undefined> {
  return (
    entry && new Uint8Array(await new Response(entry.value as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
  )
}

export async function textOf(entry: UseCacheEntry | undefined): Promise<string | undefined> {
  const bytes = await bytesOf(entry)
  return bytes && new TextDecoder().decode(bytes)
}
