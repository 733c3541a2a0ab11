import { memoryCache } from 'pgstash'
import { unstorageDriver } from 'pgstash/unstorage'
import { type Driver, defineDriver } from 'unstorage'
import { expect, it } from 'vitest'
import type { Driver as Driver2 } from '../../node_modules/nitro/node_modules/unstorage/dist/index.mjs'

// The compiler checks this: the driver declares its types without those of unstorage.
const first: Driver = unstorageDriver({ cache: memoryCache() })
const second: Driver2 = unstorageDriver({ cache: memoryCache() })
const factory = defineDriver(unstorageDriver)

it('the driver fits the types of unstorage 1.17 and 2', () => {
  for (const driver of [first, second, factory({ ttl: '1d', base: 'app' })]) expect(driver.name).toBe('pgstash')
})
