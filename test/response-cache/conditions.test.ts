/** Combined conditions and ranges: of clients, of the cache, and of inner middleware. */
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { etag } from 'hono/etag'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  absolute,
  age,
  brief,
  createSite,
  emptied,
  fresh,
  heldLeases,
  ownCache,
  type Site,
  stored,
} from '../hono/app.ts'
import { createForm, FORMS, type Handler } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const MINUTE = 60_000
const fields = { ...fresh, etag: '"1"', 'accept-ranges': 'bytes' }

/** Answers a range itself, like a file server. */
const ranged: Handler = ({ headers }) =>
  headers.get('range') === null
    ? new Response('0123456789', { headers: fields })
    : new Response('234', { status: 206, headers: { ...fields, 'content-range': 'bytes 2-4/10' } })

describe.each(FORMS)('a miss with If-None-Match and Range, in the form for %s,', (form) => {
  it.each([
    ['"1"', {}, 304, ''],
    ['W/"1"', {}, 304, ''],
    ['*', {}, 304, ''],
    ['"2"', {}, 206, '234'],
    ['"1"', { 'if-range': '"1"' }, 304, ''],
    ['"2"', { 'if-range': '"1"' }, 206, '234'],
  ] as [string, Record<string, string>, number, string][])(
    'evaluates the condition first: %s %j is %i',
    async (tag, more, status, text) => {
      const { fetch, calls } = createForm(form, site, ranged)
      const response = await fetch('/a', { headers: { 'if-none-match': tag, range: 'bytes=2-4', ...more } })
      expect([response.status, await response.text()]).toEqual([status, text])
      expect(response.headers.get('content-range')).toBe(status === 206 ? 'bytes 2-4/10' : null)
      expect(calls[0]?.headers.get('if-none-match')).toBeNull()
      expect((await heldLeases(site)).filter((token) => token !== 'pass')).toEqual([])
    },
  )

  it('stores the whole body if the handler ignores the range', async () => {
    const { fetch } = createForm(form, site, () => new Response('0123456789', { headers: fields }))
    const unchanged = await fetch('/a', { headers: { 'if-none-match': '"1"', range: 'bytes=2-4' } })
    expect([unchanged.status, brief(unchanged)]).toEqual([304, 'fwd=uri-miss;fwd-status=200;stored'])
    const part = await fetch('/a', { headers: { range: 'bytes=2-4' } })
    expect([part.status, await part.text(), brief(part)]).toEqual([206, '234', 'hit'])
  })
})

describe('compress and etag as inner middleware', () => {
  const start = () => {
    const runs: (string | undefined)[] = []
    const app = new Hono()
    app.use(responseCache({ cache: ownCache(site) }))
    // compress weakens the entity tag, but etag answers 304 with the strong one.
    app.use(compress({ threshold: 0 }))
    app.use(async (c, next) => {
      runs.push(c.req.header('if-none-match'))
      await next()
    })
    app.use(etag())
    app.get('*', (c) => c.text('Hello '.repeat(500), 200, { ...fresh, vary: 'accept-encoding' }))
    const get = async (accept: string, headers: Record<string, string> = {}) => {
      const response = await app.request(absolute('/a'), { headers: { 'accept-encoding': accept, ...headers } })
      return {
        status: response.status,
        how: brief(response),
        bytes: await response.arrayBuffer(),
        headers: response.headers,
      }
    }
    return { runs, get }
  }

  it('serve a stale variant from the stored bytes, and only that variant is deleted', async () => {
    const { runs, get } = start()
    const plain = await get('identity')
    const packed = await get('gzip')
    expect([packed.headers.get('etag'), packed.headers.get('content-encoding')]).toEqual([
      `W/${plain.headers.get('etag')}`,
      'gzip',
    ])
    await age(site, MINUTE + 10_000)
    const validated = await get('gzip')
    expect([validated.status, validated.how, validated.bytes]).toEqual([200, expect.any(String), packed.bytes])
    expect(validated.headers.get('content-encoding')).toBe('gzip')
    expect(runs.at(-1)).toBe(packed.headers.get('etag'))
    // The plain variant is still stored, and its 304 has the same strong entity tag.
    expect(await stored(site)).toHaveLength(1)
    expect((await get('identity')).how).toBe('fwd=stale;fwd-status=304;stored')
    expect([(await get('gzip')).how, (await get('gzip')).how]).toEqual(['fwd=vary-miss;stored', 'hit'])
    expect((await get('identity')).how).toBe('hit')
  })

  it('send a 304 to a client that has the variant', async () => {
    const { get } = start()
    const packed = await get('gzip')
    await age(site, MINUTE + 10_000)
    const unchanged = await get('gzip', { 'if-none-match': packed.headers.get('etag') ?? '' })
    expect([unchanged.status, unchanged.bytes.byteLength]).toEqual([304, 0])
  })
})
