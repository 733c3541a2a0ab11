import { neon, neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'

const local = await startLocalNeon()
enableLocalNeon(neonConfig)

const sql = neon(local.connectionString)
console.log(await sql`select version()`)

await local.close()
