/** The compiler checks that both handlers match Next's own types. */
import type { CacheHandler as UseCache16 } from 'next/dist/server/lib/cache-handlers/types.js'
import type { CacheHandler as Incremental16 } from 'next/dist/server/lib/incremental-cache/index.js'
import type { CacheHandlerV2 as UseCache15 } from 'next-15/dist/server/lib/cache-handlers/types.js'
import type { CacheHandler as Incremental15 } from 'next-15/dist/server/lib/incremental-cache/index.js'
import { memoryCache } from 'pgstash'
import { cacheHandler, cacheHandlers } from 'pgstash/next'
import { expect, it } from 'vitest'

const handlers = cacheHandlers(memoryCache())
const Handler = cacheHandler(memoryCache())

const [useCache16, useCache15]: [UseCache16, UseCache15] = [handlers, handlers]
const [incremental16, incremental15]: [
  new (...args: ConstructorParameters<typeof Incremental16>) => Incremental16,
  new (...args: ConstructorParameters<typeof Incremental15>) => Incremental15,
] = [Handler, Handler]

it('both versions of Next accept the handlers', () => {
  expect([useCache16, useCache15]).toEqual([handlers, handlers])
  expect([incremental16, incremental15]).toEqual([Handler, Handler])
})

it('the handler has no method that makes Next 15.5 treat it as an older kind', () => {
  expect('receiveExpiredTags' in handlers).toBe(false)
  expect('refreshTags' in handlers).toBe(true)
})
