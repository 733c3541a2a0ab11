import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, createSite, emptied, fresh, type Site, stored } from '../hono/app.ts'
import { eventually } from '../setup/eventually.ts'
import { createForm, FORMS } from './forms.ts'
import { ask, type Reply, SERVERS } from './servers.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const MINUTE = 60_000
const status = (reply: Reply) => String(reply.headers['cache-status']).replace(/^pgstash;|;ttl=-?\d+|"/g, '')
const seen = (reply: Reply) => [reply.status, status(reply), reply.bytes.toString()]

describe.each(SERVERS)('behind %s', (_name, start) => {
  describe.each(FORMS)('in the form for %s', (form) => {
    it('a miss is followed by a hit, a 304 and a range', async () => {
      const { dispatch, settled } = createForm(
        form,
        site,
        () => new Response('page', { headers: { ...fresh, etag: '"1"' } }),
      )
      const base = await start(dispatch)
      expect(seen(await ask(base, '/a'))).toEqual([200, 'fwd=uri-miss;stored', 'page'])
      await settled()
      expect(seen(await ask(base, '/a'))).toEqual([200, 'hit', 'page'])
      expect(seen(await ask(base, '/a', { 'if-none-match': '"1"' }))).toEqual([304, 'hit', ''])
      expect(seen(await ask(base, '/a', { range: 'bytes=1-2' }))).toEqual([206, 'hit', 'ag'])
    })

    it('a conditional miss reaches the handler without its condition', async () => {
      const { dispatch, calls } = createForm(form, site, ({ headers }) =>
        Response.json({ own: headers.get('x-own'), condition: headers.get('if-none-match') }, { headers: fresh }),
      )
      const base = await start(dispatch)
      const reply = await ask(base, '/a?b=c', { 'if-none-match': '"1"', 'x-own': 'mine' })
      expect(seen(reply)).toEqual([200, 'fwd=uri-miss;stored', '{"own":"mine","condition":null}'])
      expect(new URL(calls[0]?.url ?? '').search).toBe('?b=c')
    })

    it('a stale response is refreshed after it was served', async () => {
      let version = 1
      const { dispatch, settled } = createForm(
        form,
        site,
        (request) => new Response(`v${version} ${request.method}`, { headers: fresh }),
        { stale: '1h' },
      )
      const base = await start(dispatch)
      await ask(base, '/a')
      await settled()
      version = 2
      await age(site, MINUTE + 10_000)
      expect(seen(await ask(base, '/a'))).toEqual([200, 'hit', 'v1 GET'])
      await settled()
      expect(seen(await ask(base, '/a'))).toEqual([200, 'hit', 'v2 GET'])
    })

    it('a PUT with Upgrade invalidates', async () => {
      const { dispatch, settled } = createForm(form, site, () => new Response('page', { headers: fresh }))
      const base = await start(dispatch)
      await ask(base, '/a')
      await settled()
      expect(await stored(site)).toHaveLength(1)
      await ask(base, '/a', { connection: 'upgrade', upgrade: 'h2c', 'content-length': '0' }, 'PUT')
      await eventually(async () => expect(await stored(site)).toEqual([]))
    })
  })
})
