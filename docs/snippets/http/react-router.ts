import * as build from 'virtual:react-router/server-build'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { createRequestHandler } from 'react-router'

const cache = createCache.fromEnv(process.env)
const handler = createRequestHandler(build, 'production')
const fetch = withResponseCache((request: Request) => handler(request), {
  cache,
  waitUntil: (work) => void work.catch(console.error),
  key: () => build.assets.version,
})

export default { fetch }
