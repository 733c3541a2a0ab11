import { describe, expect, it } from 'vitest'
import { createCoalescer } from '../../src/cache/coalesce.ts'
import { type Row, toReply } from '../../src/store/store.ts'

function coalescer(load: (keys: string[]) => Promise<ReadonlyMap<string, Row>>, timeoutMs: number) {
  const read = createCoalescer(async (keys) => toReply(await load(keys)), timeoutMs)
  return async (key: string) => (await read(key)).value
}

function recorder() {
  const loads: string[][] = []
  const read = coalescer(async (keys) => {
    loads.push(keys)
    return new Map(keys.filter((key) => key !== 'missing').map((key) => [key, { value: key, number: null }]))
  }, 5_000)
  return { loads, read }
}

describe('gets of one tick', () => {
  it('share one load, with each key once', async () => {
    const { loads, read } = recorder()
    const rows = await Promise.all(['a', 'b', 'a', 'missing'].map(read))
    expect(loads).toEqual([['a', 'b', 'missing']])
    expect(rows.map((row) => row?.value)).toEqual(['a', 'b', 'a', undefined])
  })

  it('share no load with gets of other ticks', async () => {
    const { loads, read } = recorder()
    const first = read('a')
    await Promise.resolve()
    await Promise.all([first, read('a')])
    expect(loads).toEqual([['a'], ['a']])
  })

  it('delay a lone get by no more than a microtask', async () => {
    const { loads, read } = recorder()
    const pending = read('a')
    expect(loads).toEqual([])
    await Promise.resolve()
    expect(loads).toEqual([['a']])
    await pending
  })

  it('are split at a hundred keys', async () => {
    const { loads, read } = recorder()
    await Promise.all(Array.from({ length: 250 }, (_, i) => read(`key ${i}`)))
    expect(loads.map((keys) => keys.length)).toEqual([100, 100, 50])
  })

  it('all reject if the load fails, and the next get starts a new load', async () => {
    let failing = true
    const read = coalescer(async (keys): Promise<ReadonlyMap<string, Row>> => {
      if (failing) throw new Error('down')
      return new Map(keys.map((key) => [key, { value: key, number: null }]))
    }, 5_000)
    const results = await Promise.allSettled(['a', 'b', 'a'].map(read))
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    failing = false
    expect((await read('a'))?.value).toBe('a')
  })

  it('are repeated once, together, if their leader never answers', async () => {
    const loads: string[][] = []
    const read = coalescer((keys) => {
      loads.push(keys)
      // As in workerd after the leader's request was cancelled: its promises never settle.
      if (loads.length === 1) return new Promise<ReadonlyMap<string, Row>>(() => {})
      return Promise.resolve(new Map(keys.map((key) => [key, { value: key, number: null }])))
    }, 100)
    void read('a')
    const rows = await Promise.all([read('b'), read('c'), read('b')])
    expect(rows.map((row) => row?.value)).toEqual(['b', 'c', 'b'])
    expect(loads).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
  })

  it('end with the timeout if no load answers', async () => {
    const read = coalescer(() => new Promise<ReadonlyMap<string, Row>>(() => {}), 40)
    void read('a')
    await expect(read('b')).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})
