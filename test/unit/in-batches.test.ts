import { describe, expect, it } from 'vitest'
import { chunks, MAX_KEYS } from '../../src/postgres/batches.ts'
import { inBatches, timeLimit } from '../../src/values/in-batches.ts'

describe('work in batches', () => {
  it('runs one batch even if the time is up', () => {
    expect([...inBatches({ size: () => 5, isOver: () => true })].map(({ size }) => size)).toEqual([5])
  })

  it('computes the size of each batch, and continues until nothing is left', () => {
    let left = 3
    const sizes = Array.from(inBatches({ size: () => left, isOver: () => --left === 0 }), ({ size }) => size)
    expect(sizes).toEqual([3, 2, 1])
  })

  it('makes batches smaller after one that took too long, and none empty', () => {
    const sizes: number[] = []
    for (const batch of inBatches({ size: () => 100 })) {
      sizes.push(batch.size)
      if (sizes.length === 5) break
      if (sizes.length !== 4) batch.shrink()
    }
    expect(sizes).toEqual([100, 13, 2, 1, 1])
  })

  it('ends when the time budget is used up or the signal aborts', () => {
    const controller = new AbortController()
    expect(timeLimit({ timeBudget: 0, signal: undefined })()).toBe(true)
    const isOver = timeLimit({ timeBudget: Number.POSITIVE_INFINITY, signal: controller.signal })
    expect(isOver()).toBe(false)
    controller.abort()
    expect(isOver()).toBe(true)
  })
})

describe('a list in parts', () => {
  it('has parts of at most this many items', () => {
    const items = Array.from({ length: MAX_KEYS * 2 + 1 }, (_, i) => i)
    expect(Array.from(chunks(items), ({ length }) => length)).toEqual([MAX_KEYS, MAX_KEYS, 1])
    expect([...chunks(items)].flat()).toEqual(items)
    expect([...chunks([])]).toEqual([])
  })

  it('has parts of at most this weight, unless a single item weighs more', () => {
    expect([...chunks([3, 3, 4, 11, 1, 9, 1], (weight) => weight, 10)]).toEqual([[3, 3, 4], [11], [1, 9], [1]])
  })
})
