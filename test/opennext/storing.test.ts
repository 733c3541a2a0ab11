/** The values that `incrementalCache` stores and returns, and its failures: OpenNext's own code in workerd. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import type { Isolate } from './isolates.ts'
import { FRESH_FOR_AN_HOUR, fetchContext, fetched, page, useCacheEntry } from './pages.ts'
import { createWorkers, type Workers } from './setup.ts'

const DAY_S = 24 * 60 * 60
/** How long a cache skips a database that has failed five times. */
const PAUSE_MS = 1_000

let workers: Workers
let one: Isolate
let other: Isolate

beforeAll(async () => {
  workers = await createWorkers()
  ;[one, other] = (await workers.isolates(2)) as [Isolate, Isolate]
})

beforeEach(() => {
  workers.faults.heal()
  workers.faults.reset()
})

/** Stores with one isolate and reads with the other. */
async function through(key: string, data: object, context: object = FRESH_FOR_AN_HOUR): Promise<unknown> {
  await one.run([['set', key, data, context]])
  const [found] = (await other.run([['get', key]])) as [{ value: unknown } | null]
  return found?.value
}

describe('values come back unchanged', () => {
  it('for a page of the app router', async () => {
    const postponed = { ...page('A', ['x'], { link: ['a', 'b'] }), postponed: 'state' }
    const { 'x-next-cache-tags': _, ...headers } = postponed.headers as Record<string, unknown>
    // OpenNext removes the tags from the value that it returns.
    expect(await through('/app', postponed)).toEqual({ ...postponed, headers })
  })

  it('for a page without RSC data', async () => {
    const { rscData: _, ...shell } = page('A', ['x'])
    const found = (await through('/shell', { ...shell, html: '' })) as Record<string, unknown>
    expect([found.html, found.rscData]).toEqual(['', undefined])
  })

  it('for a page of the pages router', async () => {
    const data = { kind: 'PAGES', html: '<p>A</p>', pageData: { list: [1, null, '\u0000'] } }
    expect(await through('/pages', data)).toMatchObject(data)
  })

  it('for a binary route handler', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const data = {
      kind: 'APP_ROUTE',
      body,
      status: 200,
      headers: { 'content-type': 'image/png', 'x-next-cache-tags': 'r' },
    }
    expect(await through('/route', data)).toMatchObject({ body, status: 200, headers: { 'content-type': 'image/png' } })
    await one.run([['revalidateTag', 'r']])
    expect(await other.run([['get', '/route']])).toEqual([null])
  })

  it('for a redirect', async () => {
    const data = { kind: 'REDIRECT', props: { pageProps: { __N_REDIRECT: '/there' } } }
    expect(await through('/redirect', data)).toEqual(data)
  })

  it("for 'use cache', with an endless life", async () => {
    const entry = useCacheEntry('A', ['t'], {
      stale: 10,
      revalidate: Number.POSITIVE_INFINITY,
      expire: Number.POSITIVE_INFINITY,
    })
    await one.run([['composableSet', 'endless', entry]])
    const [found] = await other.run([['composableGet', 'endless']])
    const { timestamp: _, ...rest } = entry
    expect(found).toMatchObject(rest)
  })

  it('with their lifetime, which a process needs that has not rendered the page', async () => {
    await one.run([['set', '/lifetime', page('A', []), FRESH_FOR_AN_HOUR]])
    const [found] = await other.run([['get', '/lifetime']])
    expect(found).toMatchObject(FRESH_FOR_AN_HOUR)
  })
})

describe('keys', () => {
  it.each(['/', '/index', '\u0000', '\ud800', 'a|b\\c', '/x/%2e%2e/y', `/${'é'.repeat(300)}`, '__proto__', ''])(
    'may be any text: %j',
    async (key) => {
      await one.run([
        ['set', key, page(`at ${key.length}`, []), FRESH_FOR_AN_HOUR],
        ['set', `${key}x`, page('another', []), FRESH_FOR_AN_HOUR],
      ])
      const [found, beside] = await other.run([
        ['get', key],
        ['get', `${key}x`],
      ])
      expect(found).toMatchObject({ value: { html: `<p>at ${key.length}</p>` } })
      expect(beside).toMatchObject({ value: { html: '<p>another</p>' } })
    },
  )

  it("with an argument of a megabyte work for 'use cache'", async () => {
    const key = JSON.stringify(['build', 'id', ['x'.repeat(1_000_000)]])
    await one.run([['composableSet', key, useCacheEntry('A', [])]])
    expect(
      await other.run([
        ['composableGet', key],
        ['composableGet', `${key} `],
      ]),
    ).toMatchObject([{ value: 'A' }, null])
  })

  it('with one text are separate for each kind of entry', async () => {
    await one.run([
      ['set', 'same', page('page', []), FRESH_FOR_AN_HOUR],
      ['set', 'same', fetched('answer'), { fetchCache: true }],
    ])
    const found = await other.run([
      ['get', 'same'],
      ['get', 'same', fetchContext([])],
    ])
    expect(found).toMatchObject([{ value: { kind: 'APP_PAGE' } }, { value: { kind: 'FETCH' } }])
  })

  it('may belong to a build with a long id', async () => {
    const builds = ['a', 'b'].map((last) => ({ bindings: { OPEN_NEXT_BUILD_ID: `${'x'.repeat(300)}${last}` } }))
    const [[a], [b]] = (await Promise.all(builds.map((build) => workers.isolates(1, build)))) as [[Isolate], [Isolate]]
    await a.run([['set', '/build', page('of a', []), FRESH_FOR_AN_HOUR]])
    expect(await a.run([['get', '/build']])).toMatchObject([{ value: { html: '<p>of a</p>' } }])
    expect(await b.run([['get', '/build']])).toEqual([null])
  })

  it('are deleted if a page no longer exists', async () => {
    await one.run([['set', '/gone', page('A', []), FRESH_FOR_AN_HOUR]])
    await one.run([['set', '/gone', null as never, FRESH_FOR_AN_HOUR]])
    expect(await other.run([['get', '/gone']])).toEqual([null])
  })
})

describe('an entry is kept', () => {
  const lifeOf = async (text: string) => Number((await workers.rows(text))[0]?.life)

  it('for 30 days after it was written, far longer than it is fresh', async () => {
    await one.run([['set', '/kept', page('A', []), { cacheControl: { revalidate: 1 } }]])
    expect(Math.round((await lifeOf('/kept')) / DAY_S)).toBe(30)
  })

  it('until it expires, if Next says so', async () => {
    await one.run([['set', '/short', page('A', []), { cacheControl: { revalidate: 1, expire: 2 * DAY_S } }]])
    expect(Math.round((await lifeOf('/short')) / DAY_S)).toBe(2)
  })

  it('not at all, if it expires at once', async () => {
    await one.run([['composableSet', 'now', useCacheEntry('A', [], { expire: 0 })]])
    expect(await one.run([['composableGet', 'now']])).toEqual([null])
  })

  it('for less time than the revalidations of its tags', async () => {
    await one.run([['revalidateTag', 'remembered']])
    expect(await lifeOf('expired:remembered')).toBeGreaterThan(365 * DAY_S)
  })
})

describe('without the database', () => {
  it('a page is a miss and not an error, and a hit again after recovery', async () => {
    await one.run([['set', '/down', page('A', []), FRESH_FOR_AN_HOUR]])
    const [impatient] = (await workers.isolates(1, { databaseTimeoutMs: 2_000 })) as [Isolate]
    for (const [kind, isolate] of [['reset', one] as const, ['hang', impatient] as const]) {
      workers.faults.always({ kind })
      expect(
        await isolate.run([
          ['get', '/down'],
          ['set', '/down-too', page('A', []), FRESH_FOR_AN_HOUR],
        ]),
      ).toEqual([null, null])
      workers.faults.heal()
      await eventually(async () => {
        expect((await isolate.run([['get', '/down']]))[0]).toMatchObject({ value: { html: '<p>A</p>' } })
      })
    }
  })

  it('all tags count as revalidated, and a revalidation fails', async () => {
    const [isolate] = (await workers.isolates(1)) as [Isolate]
    workers.faults.always({ kind: 'reset' })
    const answers = await isolate.run([
      ['tag', 'hasBeenRevalidated', ['t'], Date.now()],
      ['tag', 'isStale', ['u'], Date.now()],
      ['tag', 'getLastRevalidated', ['v']],
      ['tag', 'writeTags', ['w']],
    ])
    expect(answers.slice(0, 2)).toEqual([true, true])
    // Next ignores Infinity.
    expect(answers[2]).toBeGreaterThan(Date.now() + 365 * DAY_S * 1_000)
    expect(answers[2]).toBeLessThan(Number.POSITIVE_INFINITY)
    expect(answers[3]).toMatchObject({ error: 'DatabaseError' })
  })

  it('a request waits for tags once', async () => {
    const [isolate] = (await workers.isolates(1)) as [Isolate]
    workers.faults.always({ kind: 'error', status: 500 })
    await isolate.run([['tag', 'hasBeenRevalidated', ['t'], 1]])
    const once = workers.faults.requests
    workers.faults.reset()
    const [again] = (await workers.isolates(1)) as [Isolate]
    await again.run([
      ['tag', 'hasBeenRevalidated', ['t'], 1],
      ['tag', 'hasBeenRevalidated', ['t'], 1],
    ])
    expect(workers.faults.requests).toBe(once)
  })

  it('requests skip the database for a moment', async () => {
    let answers: unknown[] = []
    // The moment is a second. A busy machine may need longer for the last two requests, and then tells nothing.
    for (let tookMs = PAUSE_MS; tookMs >= PAUSE_MS; ) {
      const [isolate] = (await workers.isolates(1)) as [Isolate]
      workers.faults.always({ kind: 'error', status: 400, body: { message: 'no', code: '58030' } })
      workers.faults.reset()
      for (let i = 0; i < 4; i++) await isolate.run([['get', '/down']])
      const startedAt = performance.now()
      await isolate.run([['get', '/down']])
      answers = await isolate.run([['get', '/down']])
      tookMs = performance.now() - startedAt
    }
    expect(answers).toEqual([null])
    expect(workers.faults.requests).toBe(5)
  })
})
