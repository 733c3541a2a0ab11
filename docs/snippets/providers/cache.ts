// cache.ts
import { createCache } from 'pgstash'

// Reads the variable at the first statement, so this module also loads in a build that has none.
export const cache = createCache.fromEnv(process.env, { expiration: '10m' })
