/** Checks the bytes on the socket of a real Node server, and raw requests to it. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono, type MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'
import { prettyJSON } from 'hono/pretty-json'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, emptied, fresh, heldLeases, ownCache, type Site, stored, times } from '../hono/app.ts'
import { eventually } from '../setup/eventually.ts'
import { createForm, FORMS, type Form, type Handler } from './forms.ts'
import { ask, exchange, type Reply, startNodeServer } from './servers.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const status = (reply: Reply) => String(reply.headers['cache-status']).replace(/^pgstash;|;ttl=-?\d+|"/g, '')

async function serving(form: Form, handler: Handler) {
  const { dispatch, calls, settled } = createForm(form, site, handler)
  const base = await startNodeServer(dispatch)
  /** Sends a target and a Host unchanged. Returns Cache-Status and the body. */
  const send = async (target: string, host: string) => {
    const reply = await exchange(base, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    await settled()
    return [/pgstash;[^\r;]*/.exec(reply)?.[0], reply.split('\r\n\r\n')[1]?.replace(/^[\da-f]+\r\n|\r\n0$/g, '')]
  }
  return { base, calls, settled, send }
}

/** Returns the properties of its request, so that a response to another client can be recognized. */
const echo: Handler = ({ url, headers }) => new Response(`${url} of ${headers.get('host')}`, { headers: fresh })

describe.each(FORMS)('in the form for %s', (form) => {
  it('a response that the handler has sent itself is not touched, and blocks no request', async () => {
    // Hono's context and node-server pass the raw objects to the handler as the second argument of `fetch`.
    const outgoing: { end(text: string): void }[] = []
    const handler: Handler = () => {
      outgoing.shift()?.end('sent by hand')
      return RESPONSE_ALREADY_SENT
    }
    // With a lifetime, it looks like an empty response that can be stored.
    const { dispatch, calls, settled } = createForm(form, site, handler, { expiration: '1h' })
    const dispatched: Promise<Response>[] = []
    const base = await startNodeServer((request, env) => {
      outgoing.push((env as { outgoing: { end(text: string): void } }).outgoing)
      const response = dispatch(request)
      dispatched.push(response)
      return response
    })
    const before = [...RESPONSE_ALREADY_SENT.headers]
    for (const method of ['GET', 'GET', 'POST']) {
      const reply = await ask(base, '/a', {}, method)
      expect([reply.bytes.toString(), reply.headers['cache-status']]).toEqual(['sent by hand', undefined])
      // The client has the response before the cache has released the lease.
      await Promise.all(dispatched)
      await settled()
    }
    // The POST has deleted the lease as well.
    expect([calls.length, await stored(site), await heldLeases(site)]).toEqual([3, [], []])
    expect([...RESPONSE_ALREADY_SENT.headers]).toEqual(before)
  })

  it.each([
    ['a text', () => 'page'],
    ['bytes', () => new TextEncoder().encode('page')],
    ['a stream', () => new Response('page').body],
  ])('a hit has a Content-Length and is not chunked, if the handler sent %s', async (_name, body) => {
    const { base, settled } = await serving(form, () => new Response(body(), { headers: fresh }))
    await ask(base, '/a')
    await settled()
    for (const method of ['GET', 'HEAD']) {
      const hit = await ask(base, '/a', {}, method)
      expect([status(hit), hit.headers['content-length'], hit.headers['transfer-encoding']]).toEqual([
        'hit',
        '4',
        undefined,
      ])
    }
  })

  it('a raw # in the target never returns the response of another target', async () => {
    const { send } = await serving(form, echo)
    await send('/a', 'a.example')
    expect(await send('/a', 'a.example')).toEqual(['pgstash;hit', 'http://a.example/a of a.example'])
    for (const target of ['/a#b', '/a#', '/a?#b']) {
      const [how, body] = await send(target, 'a.example')
      expect(how).not.toBe('pgstash;hit')
      expect(body).toMatch(/^http:\/\/a\.example\/a\S*#b? of a\.example$/)
    }
  })

  it('the key contains a target in absolute form and another Host', async () => {
    const { send } = await serving(form, echo)
    for (const how of ['pgstash;fwd=uri-miss', 'pgstash;hit']) {
      for (const host of ['b.example', 'a.example', 'c.example']) {
        expect(await send('http://b.example/a', host)).toEqual([how, `http://b.example/a of ${host}`])
      }
    }
    expect(await send('/a', 'b.example')).toEqual(['pgstash;hit', 'http://b.example/a of b.example'])
  })

  it('equal spellings of a URL share a response, and different ones do not', async () => {
    const { send } = await serving(form, echo)
    await send('/caf%c3%a9', 'a.example')
    for (const target of ['/caf%C3%A9', '/caf%C3%a9', '/c%61f%c3%a9']) {
      expect(await send(target, 'a.example')).toEqual(['pgstash;hit', 'http://a.example/caf%c3%a9 of a.example'])
    }
    for (const target of ['/cafe', '/caf%25c3%25a9', '/caf%C3%A9/', '/caf%C3%A9?']) {
      expect((await send(target, 'a.example'))[0]).toBe('pgstash;fwd=uri-miss')
    }
  })

  it.each(['A.example', 'a.example:80', 'a.example.', 'a.example:81'])(
    'a client that sends the Host %s does not affect others',
    async (host) => {
      const { send } = await serving(form, echo)
      expect((await send('/a', host))[1]).toMatch(new RegExp(` of ${host}$`))
      expect((await send('/a', 'a.example'))[1]).toBe('http://a.example/a of a.example')
    },
  )

  it('fifty concurrent requests run the handler once', async () => {
    const { base, calls } = await serving(form, () => new Response('page', { headers: fresh }))
    const replies = await Promise.all(times(50, () => ask(base, '/a')))
    expect(replies.map(({ bytes }) => bytes.toString())).toEqual(times(50, () => 'page'))
    expect(calls).toHaveLength(1)
  })
})

describe('a hit behind middleware that rewrites the body', () => {
  const start = (middleware: MiddlewareHandler, headers: Record<string, string> = {}) => {
    const app = new Hono()
    app.use(middleware)
    app.use(responseCache({ cache: ownCache(site) }))
    app.get('*', (c) => c.json({ text: 'Hello '.repeat(500) }, 200, { ...fresh, ...headers }))
    return startNodeServer((request, env) => app.fetch(request, env as object))
  }
  const compact = JSON.stringify({ text: 'Hello '.repeat(500) })
  const pretty = JSON.stringify({ text: 'Hello '.repeat(500) }, null, 2)
  const isStored = () => eventually(async () => expect(await stored(site)).toHaveLength(1))

  it.each([
    ['that states no length', {}],
    ['that states its length', { 'content-length': String(compact.length) }],
  ])('is whole with prettyJSON, for a handler %s', async (_name, headers) => {
    const base = await start(prettyJSON(), headers)
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const reply = await ask(base, '/a?pretty')
      expect([status(reply), reply.bytes.toString()]).toEqual([how, pretty])
      await isStored()
    }
    expect((await ask(base, '/a?pretty', {}, 'HEAD')).status).toBe(200)
  })

  it('is whole with compress, with a weak entity tag', async () => {
    const base = await start(compress(), { etag: '"1"' })
    const plain = await ask(base, '/a')
    await isStored()
    const packed = await ask(base, '/a', { 'accept-encoding': 'gzip' })
    expect([status(packed), packed.headers['content-encoding'], packed.headers.etag]).toEqual(['hit', 'gzip', 'W/"1"'])
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 4)
    const unchanged = await ask(base, '/a', { 'accept-encoding': 'gzip', 'if-none-match': 'W/"1"' })
    expect([unchanged.status, status(unchanged)]).toEqual([304, 'hit'])
  })

  it('is whole with middleware that keeps the headers', async () => {
    const base = await start(async (c, next) => {
      await next()
      c.res = new Response((await c.res.text()).replaceAll('Hello', 'Good morning'), c.res)
    })
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const reply = await ask(base, '/a')
      expect([status(reply), reply.bytes.toString()]).toEqual([how, compact.replaceAll('Hello', 'Good morning')])
      await isStored()
    }
  })
})
