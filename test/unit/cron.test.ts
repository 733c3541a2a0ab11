import { InvalidOptionError, memoryCache } from 'pgstash'
import { cronRoute, scheduledCleanup } from 'pgstash/cron'
import { describe, expect, it } from 'vitest'

const MAKERS: Record<string, (options: { batch?: number; timeBudget?: number }) => unknown> = {
  cronRoute: (options) => cronRoute(memoryCache(), { secret: 'a secret of more than sixteen', ...options }),
  scheduledCleanup: (options) => scheduledCleanup(memoryCache(), options),
}

describe.each(Object.entries(MAKERS))('%s', (_name, make) => {
  it('refuses when it is made what its first run would refuse', () => {
    for (const options of [{ batch: 0 }, { batch: 100_001 }, { timeBudget: -1 }]) {
      expect(() => make(options)).toThrow(InvalidOptionError)
    }
    make({ batch: 100_000, timeBudget: 0 })
  })
})
