import { expect, it, vi } from 'vitest'
import worker from '../../docs/snippets/rate-limit/fetch-handler.ts'
import { createMigratedStash, members } from './limits.ts'

// A busy machine may exceed the default timeouts, and a limit that fails open then passes requests uncounted.
vi.mock('../../src/values/defaults.ts', async (original) => ({
  ...(await original<object>()),
  DEFAULT_TIMEOUT_MS: 60_000,
}))
vi.mock('../../src/rate-limit/options.ts', async (original) => {
  const { parseRateLimitOptions, ...others } = await original<typeof import('../../src/rate-limit/options.ts')>()
  const patient = (options: Parameters<typeof parseRateLimitOptions>[0]) =>
    parseRateLimitOptions({ timeout: 60_000, ...options })
  return { ...others, parseRateLimitOptions: patient }
})

it('fetch-handler.ts counts per network, by the client address from Cloudflare', async () => {
  const { server } = await createMigratedStash()
  const left = []
  for (const address of ['192.0.2.1', '192.0.2.1', '2001:db8::1', '2001:db8::2']) {
    const request = new Request('https://example.com/ada', { headers: { 'cf-connecting-ip': address } })
    const answer = await worker.fetch(request, { DATABASE_URL: server.connectionString })
    expect([answer.status, await answer.json()]).toEqual([200, { hello: '/ada' }])
    left.push(members(answer, 'ratelimit')[0]?.[1].r)
  }
  expect(left).toEqual([99, 98, 99, 98])
})
