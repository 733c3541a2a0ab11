import './endpoint.js'
import { drizzle } from 'drizzle-orm/neon-http'
import { after } from 'next/server'
import { createCache } from 'pgstash'

/** A cache whose variable is set while the app is built. */
export const cache = createCache(drizzle(process.env.KNOWN_DATABASE_URL), { waitUntil: (work) => after(() => work) })
