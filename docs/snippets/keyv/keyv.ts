import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import Keyv from 'keyv'
import { createCache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'

const cache = createCache(() => drizzle(neon(process.env.DATABASE_URL ?? '')))
export const users = new Keyv({ store: keyvStore(cache), namespace: 'users' })
