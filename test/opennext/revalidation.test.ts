/**
 * Pages, answers of `fetch` and values of `'use cache'`, and the effect of revalidations on them: OpenNext's own code
 * in workerd.
 */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Isolate } from './isolates.ts'
import { FRESH_FOR_AN_HOUR, fetchContext, fetched, page, useCacheEntry } from './pages.ts'
import { createWorkers, gateServer, type Workers } from './setup.ts'
import type { Step } from './worker.ts'

const MINUTE_MS = 60_000

let workers: Workers
let one: Isolate
let other: Isolate
let count = 0

beforeAll(async () => {
  workers = await createWorkers()
  ;[one, other] = (await workers.isolates(2)) as [Isolate, Isolate]
})

beforeEach(() => workers.faults.reset())

/** A key and a tag that no other test uses. */
const fresh = () => ({ key: `/page-${++count}`, tag: `tag-${count}` })

/** Each kind of entry: how it is computed and read. `text` is the content, null for a miss. */
const KINDS = [
  {
    kind: 'a page',
    read: (key: string): Step => ['get', key],
    write: (key: string, tag: string, text: string): Step => ['set', key, page(text, [tag]), FRESH_FOR_AN_HOUR],
    // biome-ignore lint/suspicious/noExplicitAny: the shape that Next reads
    text: (found: any) => found?.value.html.slice(3, -4),
    // biome-ignore lint/suspicious/noExplicitAny: the shape that Next reads
    isStale: (found: any) => found.lastModified + found.cacheControl.revalidate * 1_000 < Date.now(),
    roundTrips: 1,
  },
  {
    kind: 'an answer of fetch',
    read: (key: string, tag: string): Step => ['get', key, fetchContext([tag])],
    write: (key: string, tag: string, text: string): Step => [
      'set',
      key,
      fetched(text),
      { fetchCache: true, tags: [tag] },
    ],
    // biome-ignore lint/suspicious/noExplicitAny: the shape that Next reads
    text: (found: any) => found?.value.data.body,
    // biome-ignore lint/suspicious/noExplicitAny: the shape that Next reads
    isStale: (found: any) => found.lastModified + found.value.revalidate * 1_000 < Date.now(),
    // Next passes the tags with the read, and not with the write.
    roundTrips: 2,
  },
  {
    kind: "a value of 'use cache'",
    read: (key: string): Step => ['composableGet', key],
    write: (key: string, tag: string, text: string): Step => ['composableSet', key, useCacheEntry(text, [tag])],
    // biome-ignore lint/suspicious/noExplicitAny: the shape that Next reads
    text: (found: any) => found?.value,
    // biome-ignore lint/suspicious/noExplicitAny: the shape that Next reads
    isStale: (found: any) => found.revalidate === -1,
    roundTrips: 1,
  },
] as const

describe.each(KINDS)('$kind', ({ read, write, text, isStale, roundTrips }) => {
  const compute = (key: string, tag: string, value: string): Step[] => [read(key, tag), write(key, tag, value)]
  const readIn = async (isolate: Isolate, key: string, tag: string) => (await isolate.run([read(key, tag)]))[0]

  it('is a miss at first, and then a hit in every isolate', async () => {
    const { key, tag } = fresh()
    const [missed] = await one.run(compute(key, tag, 'A'))
    expect(missed).toBeNull()
    for (const isolate of [one, other]) {
      const found = await readIn(isolate, key, tag)
      expect(text(found)).toBe('A')
      expect(isStale(found)).toBe(false)
    }
  })

  it(`takes ${roundTrips} round trips to read, and one to write`, async () => {
    const { key, tag } = fresh()
    await one.run([write(key, tag, 'A')])
    expect(workers.faults.requests).toBe(1)
    workers.faults.reset()
    await readIn(other, key, tag)
    expect(workers.faults.requests).toBe(roundTrips)
    expect(workers.faults.statements).toBe(roundTrips)
  })

  it('is absent in every isolate once a revalidation without a lifetime has committed', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag]])
    expect(await readIn(one, key, tag)).toBeNull()
    expect(await readIn(other, key, tag)).toBeNull()
  })

  it('is a hit again after it was computed again', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag, { expire: 0 }]])
    await other.run(compute(key, tag, 'B'))
    expect(text(await readIn(one, key, tag))).toBe('B')
  })

  it('is stale, and not absent, during the lifetime of a revalidation', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag, { expire: 3600 }]])
    const found = await readIn(other, key, tag)
    expect(text(found)).toBe('A')
    expect(isStale(found)).toBe(true)
  })

  it('stays stale if a revalidation names no end', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag, {}]])
    await workers.age(30 * 60 * MINUTE_MS)
    expect(isStale(await readIn(other, key, tag))).toBe(true)
  })

  it('is absent once the lifetime of a revalidation is over', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag, { expire: 600 }]])
    await workers.age(500_000)
    expect(text(await readIn(other, key, tag))).toBe('A')
    await workers.age(101_000)
    expect(await readIn(other, key, tag)).toBeNull()
  })

  it('is fresh if it was computed after a revalidation with a lifetime, during that and after', async () => {
    const { key, tag } = fresh()
    await one.run([['revalidateTag', tag, { expire: 60 }]])
    await one.run(compute(key, tag, 'B'))
    expect(isStale(await readIn(other, key, tag))).toBe(false)
    await workers.age(2 * MINUTE_MS)
    const found = await readIn(other, key, tag)
    expect(text(found)).toBe('B')
    expect(isStale(found)).toBe(false)
  })

  it('stays absent if a revalidation with a lifetime follows one without', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag]])
    await one.run([['revalidateTag', tag, { expire: 3600 }]])
    expect(await readIn(other, key, tag)).toBeNull()
  })

  it('takes the lifetime of the last revalidation', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag, { expire: 3600 }]])
    await workers.age(1_000)
    await one.run([['revalidateTag', tag, { expire: 10 }]])
    await workers.age(11_000)
    expect(await readIn(other, key, tag)).toBeNull()
  })

  it.each([0, 5, -5])(
    'is rejected if it was computed across a revalidation, with a clock %d minutes ahead',
    async (minutes) => {
      const { key, tag } = fresh()
      const gate = await gateServer()
      const skew = { skewMs: minutes * MINUTE_MS }
      const computing = one.run([read(key, tag), ['reach', gate.url], write(key, tag, `old ${tag}.`)], skew)
      await gate.reached
      await other.run([['revalidateTag', tag]])
      gate.open()
      await computing
      expect(await workers.rows(`old ${tag}.`)).toHaveLength(1)
      expect(await readIn(other, key, tag)).toBeNull()
      await other.run(compute(key, tag, 'of new data'))
      expect(text(await readIn(one, key, tag))).toBe('of new data')
    },
  )

  it('is stale if it was computed across a revalidation with a lifetime', async () => {
    const { key, tag } = fresh()
    const gate = await gateServer()
    const computing = one.run([read(key, tag), ['reach', gate.url], write(key, tag, 'of old data')])
    await gate.reached
    await other.run([['revalidateTag', tag, { expire: 3600 }]])
    gate.open()
    await computing
    expect(isStale(await readIn(other, key, tag))).toBe(true)
  })

  it.each([5, -5])('obeys revalidations by an isolate whose clock is %d minutes ahead', async (minutes) => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await other.run([['revalidateTag', tag]], { skewMs: minutes * MINUTE_MS })
    expect(await readIn(one, key, tag)).toBeNull()
    await one.run(compute(key, tag, 'B'))
    expect(text(await readIn(one, key, tag))).toBe('B')
    await other.run([['revalidateTag', tag, { expire: 60 }]], { skewMs: minutes * MINUTE_MS })
    expect(isStale(await readIn(one, key, tag))).toBe(true)
  })

  it('is not deleted by a read that rejects it', async () => {
    const { key, tag } = fresh()
    await one.run(compute(key, tag, 'A'))
    await one.run([['revalidateTag', tag]])
    const before = await workers.rows(key)
    await readIn(other, key, tag)
    expect((await workers.rows(key)).map(({ value }) => value)).toEqual(before.map(({ value }) => value))
  })

  it('is visible neither to another build nor to its revalidations', async () => {
    const { key, tag } = fresh()
    const [next] = (await workers.isolates(1, { bindings: { OPEN_NEXT_BUILD_ID: 'build-2' } })) as [Isolate]
    await one.run(compute(key, tag, 'A'))
    expect(await readIn(next, key, tag)).toBeNull()
    await next.run([['revalidateTag', tag]])
    expect(text(await readIn(one, key, tag))).toBe('A')
  })
})
