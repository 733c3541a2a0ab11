import { type Cache, InvalidOptionError, memoryCache } from 'pgstash'
import { cronRoute, scheduledCleanup } from 'pgstash/cron'
import { afterEach, describe, expect, it, vi } from 'vitest'

const MAKERS: Record<string, (options: { batch?: number; timeBudget?: number }) => unknown> = {
  cronRoute: (options) => cronRoute(memoryCache(), { secret: 'a secret of more than sixteen', ...options }),
  scheduledCleanup: (options) => scheduledCleanup(memoryCache(), options),
}

describe.each(Object.entries(MAKERS))('%s', (_name, make) => {
  it('refuses options at creation that its first run would refuse', () => {
    for (const options of [{ batch: 0 }, { batch: 100_001 }, { timeBudget: -1 }]) {
      expect(() => make(options)).toThrow(InvalidOptionError)
    }
    make({ batch: 100_000, timeBudget: 0 })
  })
})

describe('cronRoute without a secret', () => {
  afterEach(() => vi.restoreAllMocks())

  it.each([undefined, '', '  '])('answers every request with 500 (%j)', async (secret) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const made = vi.fn<() => Cache>(memoryCache)
    const route = cronRoute(made, { secret })
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer   ', 'Bearer undefined', 'Bearer null']) {
      for (const method of ['GET', 'POST']) {
        const response = await route(new Request('https://example.com', { method, headers: { authorization } }))
        expect([response.status, await response.json()]).toEqual([500, { error: 'Cleanup has no secret' }])
      }
    }
    // Nothing was cleaned up, and the log explains what to do.
    expect(made).not.toHaveBeenCalled()
    expect(String(log.mock.calls[0])).toContain('is CRON_SECRET missing?')
  })

  it.each([null, 42, {}, ['secret']])('is refused if the secret is of another type (%j)', (secret) => {
    expect(() => cronRoute(memoryCache(), { secret: secret as never })).toThrow(InvalidOptionError)
  })
})
