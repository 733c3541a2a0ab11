/** One database behind a Worker and behind Node: each serves the responses that the other stores. */
import { gunzipSync, inflateSync } from 'node:zlib'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, emptied, fresh, type Site, stored } from '../hono/app.ts'
import { createForm, FORMS } from '../response-cache/forms.ts'
import { ask, type Reply, startNodeServer } from '../response-cache/servers.ts'
import { eventually } from '../setup/eventually.ts'
import { startWorker } from './in-workerd.ts'
import { BODIES, BODIES_IN_BASE64, startOrigin, TEXT } from './origin-server.ts'

let site: Site
let worker: URL
beforeAll(async () => {
  site = await createSite()
  const origin = await startOrigin()
  worker = await startWorker(site, { ORIGIN: origin.url, BODIES: BODIES_IN_BASE64 })
})
beforeEach(() => emptied(site))

/** Both servers are one site for their clients. */
const get = (base: URL, path: string, headers: Record<string, string> = {}) =>
  ask(base, path, { host: 'site.example', 'accept-encoding': 'gzip', ...headers })

const isHit = ({ headers }: Reply) => headers['cache-status']?.includes('hit') ?? false

function textOf({ headers, bytes }: Reply): string {
  const coding = headers['content-encoding']
  if (coding === 'gzip') return gunzipSync(bytes).toString()
  return (coding === 'deflate' ? inflateSync(bytes) : bytes).toString()
}

const isStored = () => eventually(async () => expect(await stored(site)).toHaveLength(1))

describe.each(FORMS)('in the form for %s', (form) => {
  const path = (query: string) => `/${form}/body?etag="1"&${query}`
  /** The handler on Node has encoded its body. */
  const startNode = () => {
    const { dispatch, calls } = createForm(form, site, ({ url }) => {
      const { searchParams } = new URL(url)
      const { body = '', encode: _, ...headers } = Object.fromEntries(searchParams)
      return new Response(new Uint8Array(BODIES[body] as Buffer), { headers: { ...fresh, ...headers } })
    })
    return startNodeServer(dispatch).then((url) => ({ url, calls }))
  }

  it.each([
    ['gzip, encoded by the runtime', 'content-encoding=gzip&body=text', undefined, 'W/"1"'],
    ['gzip, encoded by the handler', 'content-encoding=gzip&body=gzip&encode=manual', 'gzip', '"1"'],
    ['deflate', 'content-encoding=deflate&body=deflate', 'deflate', '"1"'],
    ['no encoding', 'body=text', undefined, '"1"'],
  ])('a Worker stores %s, and Node serves it', async (_name, query, coding, etag) => {
    await get(worker, path(query))
    await isStored()
    const { url, calls } = await startNode()
    const hit = await get(url, path(query))
    expect([isHit(hit), textOf(hit), hit.headers['content-encoding'], hit.headers.etag]).toEqual([
      true,
      TEXT,
      coding,
      etag,
    ])
    expect(hit.headers['content-length']).toBe(String(hit.bytes.length))
    expect((await get(url, path(query), { 'if-none-match': etag })).status).toBe(304)
    expect(calls).toEqual([])
  })

  it.each([
    ['gzip', 'content-encoding=gzip&body=gzip'],
    ['deflate', 'content-encoding=deflate&body=deflate'],
    ['no encoding', 'body=text'],
  ])('Node stores %s, and a Worker serves it and its parts', async (_name, query) => {
    const { url } = await startNode()
    await get(url, path(query))
    await isStored()
    const hit = await get(worker, path(query))
    const whole = BODIES[new URLSearchParams(query).get('body') ?? ''] as Buffer
    expect([isHit(hit), hit.bytes.equals(whole), hit.headers.etag]).toEqual([true, true, '"1"'])
    const part = await get(worker, path(query), { range: 'bytes=3-7' })
    expect([part.status, isHit(part), part.bytes.equals(whole.subarray(3, 8))]).toEqual([206, true, true])
  })

  it('a Worker stores gzip that its runtime encodes, and Node answers a range with the whole text', async () => {
    const query = path('content-encoding=gzip&body=text')
    await get(worker, query)
    await isStored()
    const { url } = await startNode()
    const reply = await get(url, query, { range: 'bytes=3-7' })
    expect([reply.status, isHit(reply), textOf(reply)]).toEqual([200, true, TEXT])
  })
})
