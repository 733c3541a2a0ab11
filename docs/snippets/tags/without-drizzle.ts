import type { NeonQueryFunction } from '@neondatabase/serverless'
import type { PoolClient } from 'pg'
import { invalidation } from 'pgstash'
import type { Sql } from 'postgres'

/** With `pg`, in a transaction. */
export async function renameWithPg(client: PoolClient, id: number, name: string): Promise<void> {
  await client.query('begin')
  try {
    await client.query('update products set name = $1 where id = $2', [name, id])
    await client.query(invalidation(`product:${id}`))
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** With postgres-js, in a transaction. */
export async function renameWithPostgresJs(sql: Sql, id: number, name: string): Promise<void> {
  const { text, values } = invalidation(`product:${id}`)
  await sql.begin(async (tx) => {
    await tx`update products set name = ${name} where id = ${id}`
    await tx.unsafe(text, values)
  })
}

/** With `neon()`, in one request. */
export async function renameWithNeon(sql: NeonQueryFunction<false, false>, id: number, name: string): Promise<void> {
  const { text, values } = invalidation(`product:${id}`)
  await sql.transaction([sql`update products set name = ${name} where id = ${id}`, sql.query(text, values)])
}
