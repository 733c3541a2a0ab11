/** The queries of a request about tags, and the rows of revalidations: OpenNext's own code in workerd. */
import { sql } from 'drizzle-orm'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { tableTag, watchTables } from 'pgstash/drizzle'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Isolate } from './isolates.ts'
import { FRESH_FOR_AN_HOUR, page, useCacheEntry } from './pages.ts'
import { createWorkers, type Workers } from './setup.ts'
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

describe('the tags of a request', () => {
  it('are read once, whatever the questions', async () => {
    const { tag } = fresh()
    await one.run([
      ['tag', 'hasBeenRevalidated', [tag, 'another'], 1],
      ['tag', 'isStale', [tag, 'another'], 1],
      ['tag', 'getLastRevalidated', ['another', tag]],
      ['tag', 'hasBeenRevalidated', [tag], 2],
    ])
    expect(workers.faults.requests).toBe(1)
  })

  it('are read once by concurrent look-ups', async () => {
    const { tag } = fresh()
    const answers = await one.run([
      ['parallel', ...Array.from({ length: 10 }, (): Step => ['tag', 'hasBeenRevalidated', [tag], 1])],
    ])
    expect(answers).toEqual([Array.from({ length: 10 }, () => false)])
    expect(workers.faults.requests).toBe(1)
  })

  it('are not read if a page brought them along', async () => {
    const { key, tag } = fresh()
    await one.run([['set', key, page('A', [tag, 'shared']), FRESH_FOR_AN_HOUR]])
    workers.faults.reset()
    await one.run([
      ['get', key],
      ['tag', 'isStale', ['shared'], 1],
    ])
    expect(workers.faults.requests).toBe(1)
  })

  it('are read again after the request revalidated some', async () => {
    const { tag } = fresh()
    const answers = await one.run([
      ['tag', 'hasBeenRevalidated', [tag], 1],
      ['tag', 'writeTags', [tag]],
      ['tag', 'hasBeenRevalidated', [tag], 1],
    ])
    expect(answers).toEqual([false, null, true])
    expect(workers.faults.requests).toBe(3)
  })

  it('are not shared with another request', async () => {
    const { tag } = fresh()
    expect(await one.run([['tag', 'hasBeenRevalidated', [tag], 1]])).toEqual([false])
    await other.run([['tag', 'writeTags', [tag]]])
    expect(await one.run([['tag', 'hasBeenRevalidated', [tag], 1]])).toEqual([true])
  })

  it('count as never revalidated if they are unknown', async () => {
    const questions: Step[] = [
      ['tag', 'hasBeenRevalidated', ['unseen'], 1],
      ['tag', 'isStale', ['unseen'], 1],
      ['tag', 'getLastRevalidated', ['unseen']],
      ['tag', 'hasBeenRevalidated', ['unseen']],
    ]
    expect(await one.run(questions)).toEqual([false, false, 0, false])
  })

  it('cost nothing if there are none, or if the tag cache is disabled', async () => {
    const off: Step = ['config', { dangerous: { disableTagCache: true } }]
    const questions: Step[] = [
      ['tag', 'hasBeenRevalidated', ['x'], 1],
      ['tag', 'isStale', ['x'], 1],
      ['tag', 'getLastRevalidated', ['x']],
      ['tag', 'writeTags', ['x']],
    ]
    expect(
      await one.run([
        ['tag', 'hasBeenRevalidated', [], 1],
        ['tag', 'getLastRevalidated', []],
        ['tag', 'writeTags', []],
      ]),
    ).toEqual([false, 0, null])
    expect(await one.run([off, ...questions, ['config', {}]])).toEqual([null, false, false, 0, null, null])
    expect(workers.faults.requests).toBe(0)
  })

  it('take one statement to revalidate, however many entries have them', async () => {
    await workers.db.execute(sql`insert into cache_entries (key, value, tags, filled_at)
      select 'opennext|\\@build-1|cache:/many-' || i, '{"startedAt":1,"value":{}}', '{many}', pg_current_snapshot()
      from generate_series(1, 20000) as i`)
    workers.faults.reset()
    await one.run([['revalidateTag', ['many', 'few']]])
    expect(workers.faults.statements).toBe(1)
    expect((await workers.rows('expired:many')).length).toBe(1)
  })

  it('keep the later of two revalidations, in whatever order their transactions commit', async () => {
    const { tag } = fresh()
    await one.run([['tag', 'writeTags', [tag]]])
    await workers.db.execute(sql`update cache_entries set number = number + 5000 where key like ${`%expired:${tag}`}`)
    const [later] = await workers.rows(`expired:${tag}`)
    await other.run([['tag', 'writeTags', [tag]]])
    const [kept] = await workers.rows(`expired:${tag}`)
    expect(kept?.number).toBe(later?.number)
  })

  it('are split at commas in a page, so a tag with a comma is revalidated as both', async () => {
    const { key } = fresh()
    await one.run([
      ['get', key],
      ['set', key, page('A', ['left,right']), FRESH_FOR_AN_HOUR],
    ])
    await one.run([['revalidateTag', 'left,right']])
    expect(await one.run([['get', key]])).toEqual([null])
  })

  it.each(['', '\u0000', '\ud800', 'a|b\\c', '%2Fa', 'é'.repeat(256), '_N_T_/', '_N_T_/index', '__proto__'])(
    'may be any text: %j',
    async (tag) => {
      const asked: Step = ['tag', 'hasBeenRevalidated', [tag], Date.now() - MINUTE_MS]
      expect(await one.run([asked])).toEqual([false])
      await other.run([['tag', 'writeTags', [tag]]])
      expect(await one.run([asked, ['tag', 'hasBeenRevalidated', [`${tag}x`], 1]])).toEqual([true, false])
    },
  )

  it('accept times as OpenNext passes them', async () => {
    const now = Date.now()
    const writes = {
      alone: { tag: 'alone' },
      past: { tag: 'past', expire: now - 1 },
      stale: { tag: 'stale', stale: now },
      future: { tag: 'future', stale: now, expire: now + MINUTE_MS },
      'only-future': { tag: 'only-future', expire: now + MINUTE_MS },
      endless: { tag: 'endless', stale: now, expire: Number.POSITIVE_INFINITY },
    }
    await one.run([['tag', 'writeTags', Object.values(writes)]])
    const questions = Object.keys(writes).flatMap((tag): Step[] => [
      ['tag', 'hasBeenRevalidated', [tag], now - MINUTE_MS],
      ['tag', 'isStale', [tag], now - MINUTE_MS],
    ])
    const [expired, stale] = [
      [true, false],
      [false, true],
    ]
    expect(await other.run(questions)).toEqual([expired, expired, stale, stale, stale, stale].flat())
  })
})

describe('Next 15.5', () => {
  it('gets entries and immediate revalidations', async () => {
    const [old] = (await workers.isolates(1, { bindings: { NEXT_VERSION: '15.5.29' } })) as [Isolate]
    const { key, tag } = fresh()
    await old.run([
      ['get', key],
      ['set', key, page('A', [tag]), { cacheControl: { revalidate: 60 } }],
    ])
    expect((await old.run([['get', key]]))[0]).toMatchObject({ value: { html: '<p>A</p>' } })
    await old.run([['revalidateTag', tag]])
    expect(await old.run([['get', key]])).toEqual([null])
  })
})

describe("the tags of a page around 'use cache'", () => {
  it('are compared with a timestamp of the same clock', async () => {
    const { key, tag } = fresh()
    const skew = { skewMs: 5 * MINUTE_MS }
    await one.run(
      [
        ['composableGet', key],
        ['composableSet', key, useCacheEntry('A', [], { timestamp: Date.now() + 5 * MINUTE_MS })],
      ],
      skew,
    )
    await other.run([['revalidateTag', tag]])
    const [entry, expiration] = (await one.run(
      [
        ['composableGet', key],
        ['getExpiration', [tag]],
      ],
      skew,
    )) as [{ timestamp: number }, number]
    // Next discards the entry for this reason.
    expect(entry.timestamp).toBeLessThanOrEqual(expiration)
  })
})

it('reject entries whose tag a program invalidates with the cache’s own method', async () => {
  const { key, tag } = fresh()
  await one.run([
    ['get', key],
    ['set', key, page('A', [tag]), FRESH_FOR_AN_HOUR],
  ])
  await workers.client().invalidate(tag)
  expect(await one.run([['get', key]])).toEqual([null])
})

it('reject pages computed from a table when the table is written', async () => {
  const posts = pgTable('posts', { title: text('title') })
  await workers.db.execute(sql`create table posts (title text)`)
  await watchTables(workers.db, [posts])
  const { key } = fresh()
  await one.run([
    ['get', key],
    ['set', key, page('A', [tableTag(posts)]), FRESH_FOR_AN_HOUR],
  ])
  expect(await other.run([['get', key]])).toMatchObject([{ value: { html: '<p>A</p>' } }])
  await workers.db.insert(posts).values({ title: 'new' })
  expect(await other.run([['get', key]])).toEqual([null])
})

it('do not lose a revalidation whose answer is lost', async () => {
  const { tag } = fresh()
  workers.faults.next({ kind: 'lose' })
  const question: Step = ['tag', 'hasBeenRevalidated', [tag], 1]
  expect(await one.run([['tag', 'writeTags', [tag]], question])).toEqual([null, true])
})
