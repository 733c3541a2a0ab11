import { sql } from 'bun'
import { createCache } from 'pgstash'

// Bun's own driver, which reads DATABASE_URL. Or createCache.fromEnv(), with the package pg.
export const cache = createCache(sql, { expiration: '10m' })
