import { neon, neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'

enableLocalNeon(neonConfig)

export default {
  fetch: async (_request: Request, env: { DATABASE_URL: string }) =>
    Response.json(await neon(env.DATABASE_URL)`select now()`),
}
