import { neon } from '@neondatabase/serverless'
import { betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { secondaryStorage } from 'pgstash/better-auth'

const db = drizzle(neon(process.env.DATABASE_URL ?? ''))

export const auth = betterAuth({
  database: drizzleAdapter(db, { provider: 'pg' }),
  secondaryStorage: secondaryStorage(createCache(db)),
  rateLimit: { storage: 'secondary-storage' },
})
