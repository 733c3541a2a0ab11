/** Each request causes one event, and Cache-Status is correct. */
import type { CacheEvent } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createSite, emptied, fresh, pause, type Site, stored, times } from '../hono/app.ts'
import { eventually } from '../setup/eventually.ts'
import { createGate } from '../setup/gate.ts'
import { createForm, FORMS, type Handler } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

describe.each(FORMS)('in the form for %s', (form) => {
  const observe = (handler: Handler, options: Parameters<typeof createForm>[3] = {}) => {
    const events: CacheEvent[] = []
    const cache = { onEvent: (event: CacheEvent) => void events.push(event) }
    return { ...createForm(form, site, handler, { ...options, cache }), types: () => events.map(({ type }) => type) }
  }
  const staleAfterAMinute = (): Response =>
    new Response('page', { headers: { etag: '"1"', 'cache-control': 'max-age=60, stale-while-revalidate=600' } })

  it.each<[string, Handler]>([
    ['stored', staleAfterAMinute],
    [
      'a 304',
      ({ headers }) => (headers.has('if-none-match') ? new Response(null, { status: 304 }) : staleAfterAMinute()),
    ],
    ['private', () => new Response('page', { headers: { 'cache-control': 'private' } })],
  ])('a stale response is one event, if its refresh is %s', async (_name, then) => {
    const handlers = [staleAfterAMinute, then]
    const { fetch, types, calls } = observe((request) => (handlers.shift() as Handler)(request))
    await fetch('/a')
    await age(site, 70_000)
    await fetch('/a')
    expect([types(), calls.length]).toEqual([['miss', 'stale'], 2])
  })

  it.each<[string, () => never]>([
    [
      'an error',
      () => {
        throw new Error('broken')
      },
    ],
    [
      'a value',
      () => {
        throw 'broken'
      },
    ],
    [
      'a response',
      () => {
        throw new Response('gone', { status: 404 })
      },
    ],
  ])('a handler that throws %s is a miss', async (_name, handler) => {
    const { fetch, types } = observe(handler)
    await fetch('/a').catch(() => {})
    expect(types()).toEqual(['miss'])
  })

  it('a request that must not reach the handler is a miss', async () => {
    const { fetch, types } = observe(() => new Response('page', { headers: fresh }), { requestDirectives: true })
    expect((await fetch('/a', { headers: { 'cache-control': 'only-if-cached' } })).status).toBe(504)
    expect(types()).toEqual(['miss'])
  })

  it.each(['uri-miss', 'vary-miss'])('a request that waits for a response gives the reason: %s', async (fwd) => {
    const gate = createGate()
    const answer = async ({ headers }: Request) => {
      if (!headers.has('x-name')) await gate.opened
      return new Response('page', { headers: { ...fresh, vary: 'x-name' } })
    }
    // With such a lease the first poll comes after seconds, so the next two reads are those of the other two requests.
    const { fetch, calls } = observe(answer, { lease: '1h' })
    if (fwd === 'vary-miss') await fetch('/a', { headers: { 'x-name': 'other' } })
    const called = calls.length
    const first = fetch('/a')
    await eventually(() => expect(calls).toHaveLength(called + 1))
    site.faults.reset()
    const others = times(2, () => fetch('/a'))
    await eventually(() => expect(site.faults.log.length).toBeGreaterThanOrEqual(2))
    gate.open()
    const responses = await Promise.all([first, ...others])
    expect(responses.map(brief).sort()).toEqual([`fwd=${fwd};collapsed`, `fwd=${fwd};collapsed`, `fwd=${fwd};stored`])
  })

  it('a refresh whose waitUntil fails ends before the response', async () => {
    const handlers = [staleAfterAMinute, () => pause(100).then(() => new Response('new page', { headers: fresh }))]
    const { fetch, calls } = observe((request) => (handlers.shift() as Handler)(request), {
      waitUntil: () => {
        throw new Error('too late')
      },
    })
    await fetch('/a')
    await age(site, 70_000)
    expect(await (await fetch('/a')).text()).toBe('page')
    expect(await (await fetch('/a')).text()).toBe('new page')
    expect(calls).toHaveLength(2)
  })

  it('the largest maxVariants stores a response with Vary', async () => {
    const { fetch } = observe(() => new Response('page', { headers: { ...fresh, vary: 'x-name' } }), {
      maxVariants: 1_000_000,
    })
    await fetch('/a')
    expect(await stored(site)).toHaveLength(1)
  })
})
