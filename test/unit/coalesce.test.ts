import { describe, expect, it } from 'vitest'
import { createCoalescer, type Rows } from '../../src/postgres/coalesce.ts'

function recorder() {
  const loads: string[][] = []
  const read = createCoalescer(async (keys) => {
    loads.push(keys)
    return new Map(keys.filter((key) => key !== 'missing').map((key) => [key, { value: key, number: null }]))
  })
  return { loads, read }
}

describe('gets of one tick', () => {
  it('share one load, each key once', async () => {
    const { loads, read } = recorder()
    const rows = await Promise.all(['a', 'b', 'a', 'missing'].map(read))
    expect(loads).toEqual([['a', 'b', 'missing']])
    expect(rows.map((row) => row?.value)).toEqual(['a', 'b', 'a', undefined])
  })

  it('of different ticks do not', async () => {
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

  it('reach every caller with a failure, and the next get starts anew', async () => {
    let failing = true
    const read = createCoalescer(async (keys): Promise<Rows> => {
      if (failing) throw new Error('down')
      return new Map(keys.map((key) => [key, { value: key, number: null }]))
    })
    const results = await Promise.allSettled(['a', 'b', 'a'].map(read))
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    failing = false
    expect((await read('a'))?.value).toBe('a')
  })

  it('a follower whose leader never answers reads for itself', async () => {
    let loads = 0
    const read = createCoalescer((keys) => {
      loads++
      // As in workerd when the leader's request was cancelled: its promises never settle.
      if (loads === 1) return new Promise<Rows>(() => {})
      return Promise.resolve(new Map(keys.map((key) => [key, { value: key, number: null }])))
    })
    void read('a')
    expect((await read('b'))?.value).toBe('b')
    expect(loads).toBe(2)
  })
})
