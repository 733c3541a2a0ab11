import { neon, neonConfig } from '@neondatabase/serverless'
import { expect, inject, it } from 'vitest'

const { endpoint, connectionString } = inject('neon')
neonConfig.fetchEndpoint = () => endpoint
const sql = neon(connectionString)

it('reaches the database', async () => {
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
})
