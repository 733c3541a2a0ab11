// server.ts

import * as build from 'virtual:react-router/server-build'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { createRequestHandler } from 'react-router'

const cache = createCache(drizzle(process.env.DATABASE_URL ?? ''))
const waitUntil = (work: Promise<unknown>) => void work.catch(console.error)
const handler = createRequestHandler(build, 'production')

export default {
  fetch: withResponseCache((request: Request) => handler(request), {
    cache,
    waitUntil,
    key: () => build.assets.version,
  }),
}
