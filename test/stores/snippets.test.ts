import { drizzle } from 'drizzle-orm/node-postgres'
import { memoryCache } from 'pgstash'
import { expect, it } from 'vitest'
import { userFunctions } from '../../docs/snippets/stores/cached-function.ts'
import { Rates } from '../../docs/snippets/stores/cached-method.ts'
import { createListening } from '../../docs/snippets/stores/listening.ts'
import { rates } from '../../docs/snippets/stores/memory.ts'
import { createNear } from '../../docs/snippets/stores/tiered.ts'
import { ofThisDeploy } from '../../docs/snippets/stores/versions.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

it('the documented cached function keeps a user until it changes, and can be warmed', async () => {
  const cache = memoryCache()
  let name = 'Ada'
  const { user, changed, warm } = userFunctions(cache, async (id) => ({ id, name }))
  await user(1)
  name = 'Grace'
  expect(await user(1)).toEqual({ id: 1, name: 'Ada' })
  await changed(1)
  expect(await user(1)).toEqual({ id: 1, name: 'Grace' })
  name = 'Edith'
  expect([await warm(1), await user(1)]).toEqual(Array(2).fill({ id: 1, name: 'Edith' }))
  await cache.invalidate('user:1')
  expect(await cache.has(user.key(1))).toBe(false)
})

it('the documented cached method uses the cache of its object', async () => {
  let rate = 1
  const service = new Rates(memoryCache(), async () => rate)
  await service.of('EUR')
  rate = 2
  expect(await service.of('EUR')).toBe(1)
  await service.correct('EUR')
  expect(await service.of('EUR')).toBe(2)
})

it('the documented versions and memory cache work as described', async () => {
  const cache = memoryCache()
  await ofThisDeploy(cache, 'abc').set('key', 'old')
  expect(await ofThisDeploy(cache, 'def').get('key')).toBeUndefined()
  await rates.set('EUR', 1)
  expect(await rates.expiration('EUR')).toBeInstanceOf(Date)
})

it('the documented tiers keep copies, and learn of writes by others', async () => {
  const url = await createDatabase()
  const { cache, close } = await createListening(url)
  const others = createNear(drizzle(createPool(url)))
  await others.set('key', 'old')
  await expect.poll(() => cache.get('key')).toBe('old')
  await others.set('key', 'new')
  await expect.poll(() => cache.get('key')).toBe('new')
  await close()
})
