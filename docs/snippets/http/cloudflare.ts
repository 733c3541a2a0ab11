import { type Cache, createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

// All requests of an isolate share one cache, because it prepares each statement once.
let cache: Cache | undefined

export default {
  fetch: withResponseCache((request: Request, _env: object) => handler(request), {
    cache: (_request, env) => (cache ??= createCache.fromEnv(env)),
  }),
}
