import { memoryCache } from 'pgstash'
import { unstorageDriver } from 'pgstash/unstorage'
import { describe, expect, it } from 'vitest'
import { mayLogIn } from '../../docs/snippets/unstorage/log-in.ts'
import nitro from '../../docs/snippets/unstorage/nitro.config.ts'
import { storageIn } from '../../docs/snippets/unstorage/storage.ts'

describe('the snippets of docs/guides/unstorage.md', () => {
  it('keep a storage in a namespace of a cache', async () => {
    const cache = memoryCache()
    await storageIn(cache).setItem('user', { name: 'Ada' })
    expect(await storageIn(cache).getItem('user')).toEqual({ name: 'Ada' })
    expect(await cache.namespace('storage').count()).toBe(1)
  })

  it('allow five of twenty attempts', async () => {
    const driver = unstorageDriver({ cache: memoryCache() })
    const attempts = await Promise.all(Array.from({ length: 20 }, () => mayLogIn(driver, '192.0.2.1')))
    expect(attempts.filter(Boolean)).toHaveLength(5)
  })

  it('use options that the driver accepts', () => {
    for (const options of Object.values(nitro.storage)) expect(unstorageDriver(options as object).name).toBe('pgstash')
  })
})
