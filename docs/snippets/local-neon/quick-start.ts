import { neon, neonConfig } from '@neondatabase/serverless'
import { startLocalNeon } from 'pgstash/dev'

const local = await startLocalNeon()
neonConfig.fetchEndpoint = () => local.endpoint

const sql = neon(local.connectionString)
console.log(await sql`select version()`)

await local.close()
