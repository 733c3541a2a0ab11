import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'

const db = drizzle(process.env.DATABASE_URL ?? '')
await migrate(db)

export const cache = createCache(db, { namespace: 'shop', expiration: '10m' })
await cache.set('user:42', { name: 'Ada' })
console.log(await cache.get<{ name: string }>('user:42'))
