import type { StoreUnderTest } from 'pgstash/testing'
import { beforeAll } from 'vitest'

/** A store that is created before the tests of its describe block. */
export function lazily(make: () => Promise<StoreUnderTest>): StoreUnderTest {
  let store: StoreUnderTest
  beforeAll(async () => {
    store = await make()
  })
  return {
    create: (options) => store.create(options),
    reset: () => store.reset(),
    advance: (ms) => store.advance(ms),
  }
}
