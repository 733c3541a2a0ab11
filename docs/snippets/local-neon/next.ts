// lib/cache.ts
import { neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache, enableLocalNeon } from 'pgstash'

enableLocalNeon(neonConfig)

const { DATABASE_URL } = process.env
if (!DATABASE_URL) throw new Error('DATABASE_URL is not set: run `npx pgstash dev --write .env.local`')

export const cache = createCache(drizzle(DATABASE_URL), { expiration: '10m' })
