import { type Cache, createCache, DatabaseError, DatabaseTimeoutError } from 'pgstash'
import type { RateLimitOptions } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { type Args, createMigratedStash, createStash, emptied, limited, statuses } from './limits.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
  cache = stash.cache
})
beforeEach(() => emptied(stash))

const make = (options: Partial<RateLimitOptions<Args>> = {}) => limited({ cache, ...options })

describe('when the database fails', () => {
  const failures = [
    ['is down', { kind: 'reset' }],
    ['answers with an error', { kind: 'error', status: 500 }],
    ['answers with nonsense', { kind: 'error', status: 200, body: { rows: 'none' } }],
    ['breaks off its answer', { kind: 'truncate', bytes: 10 }],
    ['loses its answer', { kind: 'lose' }],
    ['hangs', { kind: 'hang' }],
  ] as const

  it.each(failures)('and %s, requests pass and onError gets the reason', async (_name, fault) => {
    const onError = vi.fn()
    const app = make({ limit: 0, onError, timeout: 2_000 })
    stash.faults.always(fault)
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([200, 'welcome'])
    expect([answer.headers.has('ratelimit'), answer.headers.has('ratelimit-policy')]).toEqual([false, false])
    expect(onError.mock.calls).toMatchObject([[{ code: expect.stringMatching(/^(?:DATABASE|TIMEOUT)$/) }, {}]])
    stash.faults.heal()
    // On a busy machine, a call may exceed the timeout and pass.
    await eventually(async () => expect(await statuses(app, 1)).toEqual([429]))
  })

  it.each(failures)('and %s, requests get the error with failOpen: false', async (_name, fault) => {
    const [onError, handler] = [vi.fn(), vi.fn()]
    const app = limited({ cache, failOpen: false, onError, timeout: 2_000 }, handler)
    stash.faults.always(fault)
    await expect(app.request('/')).rejects.toMatchObject({ name: expect.stringMatching(/^Database(?:Timeout)?Error$/) })
    expect(handler).not.toHaveBeenCalled()
    expect(onError).not.toHaveBeenCalled()
  })

  it('and hangs, requests wait no longer than the timeout, or the cache’s own', async () => {
    stash.faults.always({ kind: 'hang' })
    const impatient = createCache(stash.db, { timeout: 200 })
    for (const options of [{ timeout: 200 }, { cache: impatient }]) {
      const onError = vi.fn()
      const startedAt = performance.now()
      expect(await statuses(make({ ...options, onError }), 1)).toEqual([200])
      // A wait for the other timeout would last a minute.
      expect(performance.now() - startedAt).toBeLessThan(30_000)
      expect(onError.mock.calls).toMatchObject([[expect.any(DatabaseTimeoutError), {}]])
    }
  })

  it('without onError, the console gets the reason', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    stash.faults.always({ kind: 'error', status: 500 })
    expect(await statuses(make(), 1)).toEqual([200])
    expect(log.mock.calls).toEqual([[expect.any(DatabaseError)]])
    log.mockRestore()
  })

  it('a failing onError has no effect, synchronous or not', async () => {
    stash.faults.always({ kind: 'error', status: 500 })
    const failing = () => {
      throw new Error('listener failed')
    }
    for (const onError of [failing, async () => failing()]) expect(await statuses(make({ onError }), 1)).toEqual([200])
  })

  it('because its tables do not exist, requests pass and onError gets the reason', async () => {
    const onError = vi.fn()
    const { cache: empty } = await createStash(await createDatabase())
    expect(await statuses(make({ cache: empty, onError }), 1)).toEqual([200])
    expect(onError.mock.calls).toMatchObject([[{ sqlState: '42P01' }, {}]])
  })

  it('a request whose answer was lost is not counted twice', async () => {
    stash.faults.next({ kind: 'lose' })
    const app = make({ limit: 2, onError: () => {} })
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
  })
})
