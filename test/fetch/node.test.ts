import type { AddressInfo } from 'node:net'
import { expect, it, vi } from 'vitest'
import { brief, createSite } from '../hono/app.ts'
import { cleanup } from '../setup/cleanup.ts'
import { eventually } from '../setup/eventually.ts'

it('node-fetch.ts serves misses and hits, and runs the handler again after a PUT', async () => {
  const site = await createSite()
  vi.stubEnv('DATABASE_URL', site.server.connectionString)
  vi.stubEnv('PORT', '0')
  const { server } = await import('../../docs/snippets/http/node-fetch.ts')
  cleanup(() => new Promise((resolve) => server.close(resolve)))
  cleanup(() => vi.unstubAllEnvs())
  await eventually(() => expect(server.listening).toBe(true))
  const ask = (init?: RequestInit) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/report?city=Lyon`, init)
  const miss = await ask()
  const made = await miss.json()
  expect([brief(miss), made]).toEqual(['fwd=uri-miss;stored', { city: 'Lyon', madeAt: expect.any(String) }])
  await eventually(async () => {
    const hit = await ask()
    expect([brief(hit), await hit.json()]).toEqual(['hit', made])
  })
  expect(brief(await ask({ method: 'PUT' }))).toBe('fwd=method')
  const next = await ask()
  expect([brief(next), await next.json()]).not.toEqual(['hit', made])
})
