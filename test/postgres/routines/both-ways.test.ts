/**
 * Some suites run twice over HTTP. This file shows that one run calls routines and the other sends inline statements.
 */
import { createCache } from 'pgstash'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { createSite, type Site } from '../../fill/clients.ts'
import { IS_INLINE } from '../../setup/statements.ts'
import { createResponses } from '../responses.ts'
import { isCall } from './site.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => site.faults.reset())

/** True for each request that called a routine. */
const calls = () => site.faults.log.map(({ sql }) => isCall(sql[0] ?? ''))

it(
  IS_INLINE ? 'entries are read and written by inline statements' : 'entries are read and written by routines',
  async () => {
    const cache = site.client()
    await cache.set('key', 1, { tags: ['x'] })
    expect(await cache.get('key')).toBe(1)
    expect(await cache.getOrSet('other', () => 2)).toBe(2)
    expect(await createCache(site.db).increment('key')).toBe(2)
    expect(calls()).toEqual(Array(5).fill(!IS_INLINE))
  },
)

it(IS_INLINE ? 'responses are, too' : 'responses are as well', async () => {
  const responses = createResponses(site)
  await responses.put('https://example.com/', 'body')
  expect((await responses.read('https://example.com/')).entry?.state).toBe('live')
  expect(calls()).toEqual(Array(3).fill(!IS_INLINE))
})
