import { neon, neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'
import { expect, inject, it } from 'vitest'

enableLocalNeon(neonConfig)
const sql = neon(inject('databaseUrl'))

it('reaches the database', async () => {
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
})
