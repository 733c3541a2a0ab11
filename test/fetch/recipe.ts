/** The tests that every recipe must pass, on the real server of its framework. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createSite, emptied, type Site, stored } from '../hono/app.ts'
import { eventually } from '../setup/eventually.ts'
import { type Origin, startOrigin } from './origin.ts'

export type Ask = (path: string, init?: RequestInit) => Promise<Response>

/** The settings of a server under test. */
export interface Settings {
  readonly DATABASE_URL: string
  readonly ORIGIN: string
}

export interface Running {
  readonly site: Site
  readonly origin: Origin
  readonly ask: Ask
}

export interface Recipe {
  /** Builds and starts the server. */
  start(settings: Settings, site: Site): Promise<Ask>
  /** The path prefix of the test routes, without a slash at its end. */
  readonly base?: string
  /** True if the server keeps a refresh alive after the response, the default. Otherwise one request waits for it. */
  readonly canRefreshInBackground?: boolean
  /** True if the fixture passes all other paths to the documented handler. */
  readonly hasDocumentedHandler?: boolean
  /** True if outer middleware sets `x-account` and a cookie for the user in `x-user`. */
  readonly hasFront: boolean
}

/** Describes a recipe. Returns the running server, for further tests. */
export function describeRecipe(
  name: string,
  { start, base = '', hasFront, hasDocumentedHandler = false, canRefreshInBackground = true }: Recipe,
  more?: (running: Running) => void,
) {
  describe(name, () => {
    const running = {} as { -readonly [Key in keyof Running]: Running[Key] }
    const ask: Ask = (path, init) => running.ask(base + path, init)

    beforeAll(async () => {
      running.site = await createSite()
      running.origin = await startOrigin()
      const { connectionString } = running.site.server
      const settings = { DATABASE_URL: connectionString, ORIGIN: running.origin.url }
      running.ask = withDefaults(await start(settings, running.site))
    })
    beforeEach(async () => {
      await emptied(running.site)
      running.origin.reset()
    })

    it('answers a miss from the handler, and then hits without it', async () => {
      const miss = await ask('/report')
      const made = await miss.text()
      await responsesStored(running, 1)
      const hit = await ask('/report')
      expect([miss.status, brief(miss), hit.status, brief(hit)]).toEqual([200, 'fwd=uri-miss;stored', 200, 'hit'])
      expect(await hit.text()).toBe(made)
      expect(running.origin.calls('/report')).toHaveLength(1)
    })

    it('evaluates a condition itself, and hides it from the handler', async () => {
      const miss = await ask('/report', { headers: { 'if-none-match': '"another"' } })
      const made = await miss.text()
      expect(made).toMatch(/^[\w-]{36}$/)
      expect(running.origin.calls('/report')[0]).toMatchObject({ 'x-condition': 'none' })
      await responsesStored(running, 1)
      const unchanged = await ask('/report', { headers: { 'if-none-match': `"${made}"` } })
      expect([unchanged.status, await unchanged.text()]).toEqual([304, ''])
      const part = await ask('/report', { headers: { range: 'bytes=0-3' } })
      expect([part.status, await part.text()]).toEqual([206, made.slice(0, 4)])
      expect(running.origin.calls('/report')).toHaveLength(1)
    })

    it('runs the handler again after a PUT to the same URL', async () => {
      const first = await (await ask('/report')).text()
      await responsesStored(running, 1)
      const change = await ask('/report', { method: 'PUT' })
      expect([change.status, brief(change)]).toEqual([204, 'fwd=method'])
      const second = await ask('/report')
      expect(brief(second)).toBe('fwd=uri-miss;stored')
      expect(await second.text()).not.toBe(first)
    })

    if (canRefreshInBackground)
      it('serves a stale response at once, and refreshes it in the background', async () => {
        const first = await (await ask('/report')).text()
        await responsesStored(running, 1)
        await age(running.site, 70_000)
        const release = running.origin.hold()
        const stale = await ask('/report')
        expect([brief(stale), await stale.text()]).toEqual(['hit', first])
        release()
        await eventually(async () => {
          const fresh = await ask('/report')
          expect([brief(fresh), (await fresh.text()) === first]).toEqual(['hit', false])
        })
        expectValidation(first)
      })
    else
      it('refreshes a stale response in the one request that waits for it', async () => {
        const first = await (await ask('/report')).text()
        await responsesStored(running, 1)
        await age(running.site, 70_000)
        const release = running.origin.hold()
        const waiting = ask('/report')
        await eventually(() => expect(running.origin.calls('/report')).toHaveLength(2))
        const stale = await ask('/report')
        expect([brief(stale), await stale.text()]).toEqual(['hit', first])
        release()
        const fresh = await waiting
        expect(brief(fresh)).toBe('fwd=stale;stored')
        expect(await fresh.text()).not.toBe(first)
        expectValidation(first)
      })

    /** The refresh has the validator of the stored response. */
    const expectValidation = (made: string) => {
      const conditions = running.origin.calls('/report').map(({ 'x-condition': condition }) => condition)
      expect(conditions).toEqual(['none', `"${made}"`])
    }

    it('passes a stream on before it has ended, and stores it', async () => {
      const release = running.origin.hold()
      const response = await ask('/stream')
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      const decoder = new TextDecoder()
      let text = decoder.decode((await reader.read()).value)
      expect(text).toBe('first ')
      release()
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
        text += decoder.decode(chunk.value)
      expect(text).toMatch(/^first [\w-]{36}$/)
      await responsesStored(running, 1)
      const hit = await ask('/stream')
      expect([brief(hit), await hit.text()]).toEqual(['hit', text])
    })

    it('answers each request for a private response from the handler', async () => {
      const bodies = [await (await ask('/private')).text(), await (await ask('/private')).text()]
      expect(new Set(bodies).size).toBe(2)
      expect(await stored(running.site)).toEqual([])
    })

    if (hasDocumentedHandler)
      it('stores the responses of the documented handler', async () => {
        const miss = await ask('/?city=Lyon')
        const report = await miss.json()
        expect([brief(miss), report]).toEqual([
          'fwd=uri-miss;stored',
          { city: 'Lyon', madeAt: expect.stringMatching(/^\d{4}-/) },
        ])
        await responsesStored(running, 1)
        const hit = await ask('/?city=Lyon')
        expect([brief(hit), await hit.json()]).toEqual(['hit', report])
      })

    if (hasFront)
      it('gives each client its own headers from outer middleware', async () => {
        const bodies = new Set<string>()
        for (const user of ['ada', 'bob']) {
          const response = await ask('/report', { headers: { 'x-user': user } })
          bodies.add(await response.text())
          expect([response.headers.get('x-account'), response.headers.getSetCookie()]).toEqual([
            user,
            [expect.stringContaining(`session=${user}`)],
          ])
          expect(brief(response)).toBe(user === 'ada' ? 'fwd=uri-miss;stored' : 'hit')
          await responsesStored(running, 1)
        }
        expect(bodies.size).toBe(1)
        const anonymous = await ask('/report')
        expect([brief(anonymous), anonymous.headers.get('x-account'), anonymous.headers.getSetCookie()]).toEqual([
          'hit',
          null,
          [],
        ])
      })

    more?.(running)
  })
}

/** Resolves once this many responses are stored. */
export async function responsesStored({ site }: Running, count: number): Promise<void> {
  await eventually(async () => expect(await stored(site)).toHaveLength(count))
}

/** Without compression, so that a client reads exactly the bytes that were sent. */
function withDefaults(ask: Ask): Ask {
  return (path, init) =>
    ask(path, { ...init, redirect: 'manual', headers: { 'accept-encoding': 'identity', ...init?.headers } })
}
