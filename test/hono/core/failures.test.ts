import type { Fault } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../setup/eventually.ts'
import { age, brief, createApp, createSite, emptied, fresh, type Site, stored, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const FAULTS: [string, Fault, RegExp][] = [
  ['down', { kind: 'error', status: 503 }, /DATABASE/],
  [
    'answering with an error of its own',
    { kind: 'error', status: 400, body: { message: 'no', code: '42P01' } },
    /DATABASE 42P01/,
  ],
  ['hanging', { kind: 'hang' }, /TIMEOUT/],
  ['resetting connections', { kind: 'reset' }, /DATABASE/],
  ['losing answers', { kind: 'lose' }, /DATABASE/],
  ['cut off in its answers', { kind: 'truncate', bytes: 20 }, /DATABASE/],
  ['speaking HTML', { kind: 'error', status: 200, body: '<html>' }, /DATABASE|UNAVAILABLE/],
  ['answering with nothing', { kind: 'error', status: 200, body: {} }, /DATABASE|UNAVAILABLE/],
  [
    'answering with no rows',
    { kind: 'error', status: 200, body: { fields: [], rows: [], command: 'SELECT', rowCount: 0 } },
    /DATABASE|UNAVAILABLE/,
  ],
]
/** Waits only for operations that hang. */
const around = ({ kind }: Fault) => ({ cache: { timeout: kind === 'hang' ? 3_000 : 20_000 } })

describe.each(FAULTS)('a database that is %s', (_name, fault, reason) => {
  it('during a read makes the handler answer, and Cache-Status gives the reason', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh), {}, around(fault))
    site.faults.always(fault)
    const response = await fetch('/a')
    expect([response.status, await response.text()]).toEqual([200, 'Hello'])
    expect(brief(response)).toMatch(/^fwd=bypass;detail=/)
    expect(brief(response)).toMatch(reason)
  })

  it('during a fill does not affect the client, and never causes a partial response to be stored', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh), {}, around(fault))
    const before = createApp(
      site,
      async (c) => {
        site.faults.always(fault)
        return c.text('Hello', 200, fresh)
      },
      {},
      around(fault),
    )
    expect(await (await before.fetch('/a')).text()).toBe('Hello')
    site.faults.heal()
    expect((await stored(site)).length).toBeLessThanOrEqual(1)
    expect(await (await fetch('/b')).text()).toBe('Hello')
  })

  it('during the release of a lease does not affect the client', async () => {
    const { fetch } = createApp(
      site,
      (c) => {
        site.faults.always(fault)
        return c.text('own', 200, { 'cache-control': 'private' })
      },
      {},
      around(fault),
    )
    const response = await fetch('/a')
    expect([response.status, await response.text(), brief(response)]).toEqual([
      200,
      'own',
      'fwd=uri-miss;detail=private',
    ])
  })

  it('during a validation does not affect the client', async () => {
    let isBroken = false
    const { fetch } = createApp(
      site,
      (c) => {
        if (isBroken) site.faults.always(fault)
        return c.req.header('if-none-match')
          ? c.body(null, 304, fresh)
          : c.text('Hello', 200, { ...fresh, etag: '"1"' })
      },
      {},
      around(fault),
    )
    await fetch('/a')
    await age(site, 70_000)
    isBroken = true
    const response = await fetch('/a')
    expect([response.status, await response.text()]).toEqual([200, 'Hello'])
  })

  it('during the purge of an unsafe request does not affect the client', async () => {
    const { fetch } = createApp(site, (c) => c.text('done'), {}, around(fault))
    site.faults.always(fault)
    const response = await fetch('/a', { method: 'POST' })
    expect([response.status, await response.text()]).toEqual([200, 'done'])
    expect(brief(response)).toMatch(/^fwd=method;detail=/)
  })
})

describe('a database that stays unreachable', () => {
  it('is soon skipped by the circuit breaker, and tried again after a pause', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh), {}, { cache: { timeout: 1_000 } })
    site.faults.always({ kind: 'hang' })
    for (const _ of times(5, () => 0)) await fetch('/a')
    const asked = site.faults.requests
    expect(brief(await fetch('/a'))).toBe('fwd=bypass;detail=CIRCUIT_OPEN')
    expect(site.faults.requests).toBe(asked)
    site.faults.heal()
    await eventually(async () => expect(brief(await fetch('/a'))).toBe('hit'))
  })

  it('causes events without values or URLs', async () => {
    const events: unknown[] = []
    const onEvent = (event: unknown) => void events.push(event)
    const { fetch } = createApp(site, (c) => c.text('secret', 200, fresh), {}, { cache: { onEvent } })
    await fetch('/secret')
    await fetch('/secret')
    site.faults.always({ kind: 'error', status: 500 })
    await fetch('/secret')
    expect(events.map((event) => (event as { type: string }).type)).toEqual(
      expect.arrayContaining(['miss', 'hit', 'error']),
    )
    expect(JSON.stringify(events)).not.toContain('secret')
  })
})

describe('a database that fails one request in four', () => {
  it('makes no request fail, and mixes up no responses', async () => {
    const apps = times(4, () =>
      createApp(site, (c) => c.text(c.req.path, 200, fresh), { lease: '200ms' }, { cache: { timeout: 1_000 } }),
    )
    site.faults.random(7, [
      { rate: 0.08, fault: { kind: 'reset' } },
      { rate: 0.05, fault: { kind: 'lose' } },
      { rate: 0.05, fault: { kind: 'truncate', bytes: 30 } },
      { rate: 0.06, fault: { kind: 'error', status: 500 } },
      { rate: 0.01, fault: { kind: 'hang' } },
    ])
    await Promise.all(
      apps.map(async ({ fetch }, a) => {
        for (let i = 0; i < 150; i++) {
          const path = `/${(i * 7 + a) % 20}`
          const response = await fetch(path)
          expect([response.status, await response.text()]).toEqual([200, path])
        }
      }),
    )
  })
})
