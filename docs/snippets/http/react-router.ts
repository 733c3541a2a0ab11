import * as build from 'virtual:react-router/server-build'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { createRequestHandler } from 'react-router'

const cache = createCache(drizzle(process.env.DATABASE_URL ?? ''))
const handler = createRequestHandler(build, 'production')
const fetch = withResponseCache((request: Request) => handler(request), {
  cache,
  waitUntil: (work) => void work.catch(console.error),
  key: () => build.assets.version,
})

export default { fetch }
