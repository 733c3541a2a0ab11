import { type SQL, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { isOneOf, place } from './row-ids.ts'

/** Longer than any statement may run that read the lease before it was freed. */
const FREED_LEASE_AGE = sql.raw(`interval '10 minutes'`)

/**
 * The CTEs that delete leases that have long been free, among the next `scan` in key order after the parameter `leases`.
 *
 * No index has them. Each statement of a run checks another part, because each would otherwise read the whole table. Locking
 * a lease checks it again, in case it was claimed since the snapshot.
 */
export function idleLeases(db: QueryDatabase, { leases }: CacheTables, range: SQL | undefined) {
  const isIdle = sql`${leases.expiresAt} < now() - ${FREED_LEASE_AGE}`
  const near = db.$with('near', {}).as(sql`
    select ${leases.key}, ${leases}.ctid as id, ${isIdle} as is_idle from ${leases}
    where ${allOf(sql`${leases.key} > ${param('leases')}`, range)}
    order by ${leases.key}
    limit ${param('scan', 'int')}`)
  const idle = db.$with('idle', {}).as(sql`
    select ${place(leases)} from ${leases}
    where ${allOf(sql`${leases}.ctid = any (array(select id from near where is_idle))`, isIdle, range)}
    for update skip locked`)
  const forgotten = db.$with('forgotten', {}).as(sql`
    delete from ${leases} where ${isOneOf(leases, 'idle')}
    returning 1`)
  return {
    ctes: [near, idle, forgotten] as const,
    after: sql`(select max(key) from near having count(*) = ${param('scan', 'int')})`,
  }
}
