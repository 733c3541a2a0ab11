import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withDeadline } from '../../src/values/with-deadline.ts'

describe('withDeadline', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('waits for spans longer than timers can be, and does not end at once', async () => {
    const ended = vi.fn()
    void withDeadline(30 * 86_400_000, new Promise(() => {})).then(ended)
    await vi.advanceTimersByTimeAsync(20 * 86_400_000)
    expect(ended).not.toHaveBeenCalled()
  })
})
