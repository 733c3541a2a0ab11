/** The queue, and the parts of OpenNext that send to it, in workerd. */
import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import { createGate } from '../setup/gate.ts'
import { type Isolate, Response } from './isolates.ts'
import { page } from './pages.ts'
import { createWorkers, type Workers } from './setup.ts'

let workers: Workers
let one: Isolate
let count = 0

beforeAll(async () => {
  workers = await createWorkers()
  ;[one] = (await workers.isolates(1)) as [Isolate]
})

beforeEach(() => {
  workers.faults.heal()
  workers.faults.reset()
  workers.pages.requests.length = 0
  workers.pages.answers(() => new Response(null, { headers: { 'x-nextjs-cache': 'REVALIDATED' } }))
})

/** A message that no other test sends. */
function message(rest: object = {}) {
  const MessageBody = { host: 'shop.example', url: '/page', lastModified: 1, eTag: '"e"', ...rest }
  return { MessageBody, MessageDeduplicationId: `message-${++count}`, MessageGroupId: 'revalidate-1' }
}

const leases = () => workers.rows('revalidation:')

/** Resolves once the page of a message has been rendered, and no work remains. */
async function isReleased({ MessageDeduplicationId }: { MessageDeduplicationId: string }): Promise<void> {
  await eventually(async () => {
    const [lease] = (await leases()).filter(({ key }) => key.endsWith(`:${MessageDeduplicationId}`))
    expect(Number(lease?.life)).toBeLessThanOrEqual(1)
  })
}

const answered =
  (status: number, cache = 'REVALIDATED') =>
  () =>
    new Response(null, { status, headers: { 'x-nextjs-cache': cache } })

it('the queue requests the page from the worker itself, like the queues of OpenNext', async () => {
  const own = message({ url: '/page?a=1' })
  await one.run([['queue', own]])
  await eventually(() =>
    expect(workers.pages.requests).toEqual([
      { url: 'https://shop.example/page?a=1', method: 'HEAD', token: 'preview-token', isr: '1' },
    ]),
  )
  await isReleased(own)
})

it.each([
  ['localhost', 'http'],
  ['localhost:8787', 'http'],
  ['shop.localhost:8787', 'http'],
  ['127.0.0.1:8787', 'http'],
  ['mylocalhost.example', 'https'],
  ['localhost.example', 'https'],
])('the queue requests %s over %s', async (host, protocol) => {
  const own = message({ host })
  await one.run([['queue', own]])
  await isReleased(own)
  expect(workers.pages.requests.map(({ url }) => url)).toEqual([`${protocol}://${host}/page`])
})

it('the queue answers before the page is rendered', async () => {
  const gate = createGate()
  workers.pages.answers(async () => {
    await gate.opened
    return new Response(null)
  })
  const own = message()
  expect(await one.run([['queue', own]])).toEqual([null])
  await eventually(() => expect(workers.pages.requests).toHaveLength(1))
  gate.open()
  await isReleased(own)
})

it('the queue requests once for a message from 20 isolates, and each sends at most one statement', async () => {
  const isolates = await workers.isolates(20)
  const gate = createGate()
  workers.pages.answers(async () => {
    await gate.opened
    return new Response(null)
  })
  const same = message()
  workers.faults.reset()
  await Promise.all(isolates.map((isolate) => isolate.run([['queue', same]])))
  await eventually(() => expect(workers.faults.log).toHaveLength(20))
  gate.open()
  await eventually(() => expect(workers.faults.log).toHaveLength(20 + 1))
  expect(workers.pages.requests).toHaveLength(1)
})

it('the queue requests once for a message that one isolate gets often, and sends one statement and a release', async () => {
  const same = message()
  await Promise.all(Array.from({ length: 20 }, () => one.run([['queue', same]])))
  await eventually(() => expect(workers.faults.requests).toBe(2))
  expect(workers.pages.requests).toHaveLength(1)
})

it('the queue requests each of two pages', async () => {
  await one.run([
    ['queue', message({ url: '/a' })],
    ['queue', message({ url: '/b' })],
  ])
  await eventually(() => expect(workers.pages.requests).toHaveLength(2))
})

describe.each([
  ['is rendered', answered(200)],
  ['is a hit, because another isolate has rendered it', answered(200, 'HIT')],
  ['is stale', answered(200, 'STALE')],
  ['redirects', answered(307)],
  ['has gone', answered(404)],
])('if the page %s', (_name, answer) => {
  it('the queue holds the message for a second, and then accepts it again', async () => {
    const [other] = (await workers.isolates(1)) as [Isolate]
    workers.pages.answers(answer)
    const same = message()
    await one.run([['queue', same]])
    await isReleased(same)
    await workers.db.execute(sql`update cache_entries set expires_at = now() where key like '%revalidation:%'`)
    await other.run([['queue', same]])
    await eventually(() => expect(workers.pages.requests).toHaveLength(2))
  })
})

describe.each([
  ['fails', answered(500), undefined],
  ['needs a login', answered(401), undefined],
  ['breaks the connection', () => Promise.reject(new Error('page failed')), undefined],
  ['takes too long', () => createGate().opened.then(() => new Response(null)), 2_000],
])('if the page %s', (_name, answer, pageTimeoutMs) => {
  it('the queue gives the message back, and does not retry by itself', async () => {
    const [one] = (await workers.isolates(1, { pageTimeoutMs })) as [Isolate]
    const [other] = (await workers.isolates(1)) as [Isolate]
    workers.pages.answers(answer)
    const same = message()
    await one.run([['queue', same]])
    await eventually(() => expect(workers.pages.requests).toHaveLength(1))
    await eventually(async () =>
      expect((await leases()).filter(({ key }) => key.endsWith(`:${same.MessageDeduplicationId}`))).toEqual([]),
    )
    expect(workers.pages.requests).toHaveLength(1)
    const gate = createGate()
    workers.pages.answers(() => gate.opened.then(() => new Response(null)))
    workers.faults.reset()
    await other.run([['queue', same]])
    await eventually(() => expect(workers.pages.requests).toHaveLength(2))
    await one.run([['queue', same]])
    await eventually(() => expect(workers.faults.requests).toBe(2))
    gate.open()
    // Nothing may be left that would count in the next test.
    await isReleased(same)
    expect(workers.pages.requests).toHaveLength(2)
  })
})

it('the queue accepts a message again once the lease of a dead isolate has ended', async () => {
  const [first, other] = (await workers.isolates(2)) as [Isolate, Isolate]
  const gate = createGate()
  workers.pages.answers(() => gate.opened.then(() => new Response(null)))
  const same = message()
  await first.run([['queue', same]])
  await eventually(() => expect(workers.pages.requests).toHaveLength(1))
  await other.run([['queue', same]])
  await eventually(() => expect(workers.faults.log.length).toBeGreaterThanOrEqual(2))
  expect(workers.pages.requests).toHaveLength(1)
  const [lease] = (await leases()).filter(({ key }) => key.endsWith(`:${same.MessageDeduplicationId}`))
  // The timeout of the page, and a margin.
  expect(Number(lease?.life)).toBeLessThanOrEqual(65)
  gate.open()
  await isReleased(same)
})

it('the queue renders nothing without the database, because nothing could be stored', async () => {
  workers.faults.always({ kind: 'reset' })
  expect(await one.run([['queue', message()]])).toEqual([null])
  await eventually(() => expect(workers.faults.requests).toBeGreaterThan(0))
  expect(workers.pages.requests).toEqual([])
})

it('the queue names the missing service binding', async () => {
  const [unbound] = (await workers.isolates(1, { self: undefined })) as [Isolate]
  expect(await unbound.run([['queue', message()]])).toMatchObject([
    { error: 'InvalidOptionError', message: expect.stringContaining('WORKER_SELF_REFERENCE') },
  ])
})

describe('a stale page', () => {
  const key = `/route-cache/APP_PAGE/${createHash('sha256').update('/page/page').digest('hex')}/$/page`

  it('is sent to the queue by the server', async () => {
    await one.run([
      ['staleResponse', '/page', '"1"'],
      ['staleResponse', '/page', '"1"'],
    ])
    await eventually(() => expect(workers.pages.requests).toHaveLength(1))
    // The lease and its end. A late request would count in the next test.
    await eventually(() => expect(workers.faults.requests).toBeGreaterThanOrEqual(2))
  })

  it('is served by the interceptor with two round trips at most, and sent to the queue', async () => {
    const set = ['set', key, page('A', ['posts']), { cacheControl: { revalidate: 60, expire: 3600 } }] as const
    await one.run([['get', key], set])
    workers.faults.reset()
    const [hit] = await one.run([['intercept', '/page']])
    expect(hit).toMatchObject({ status: 200, body: '<p>A</p>', headers: { 'x-opennext-cache': 'HIT' } })
    expect(workers.faults.requests).toBe(1)
    await one.run([['revalidateTag', 'posts', { expire: 3600 }]])
    const [stale] = await one.run([['intercept', '/page']])
    expect(stale).toMatchObject({ status: 200, body: '<p>A</p>', headers: { 'x-opennext-cache': 'STALE' } })
    await eventually(() => expect(workers.pages.requests).toHaveLength(1))
    await one.run([['revalidateTag', 'posts']])
    expect(await one.run([['intercept', '/page']])).toEqual(['to the server'])
  })
})
