/** What a test file opened, closed in reverse when it ends; may be called from hooks and tests, unlike `afterAll`. */
import { afterAll } from 'vitest'

const cleanups: (() => Promise<unknown> | unknown)[] = []

export function cleanup(work: () => Promise<unknown> | unknown): void {
  cleanups.push(work)
}

afterAll(async () => {
  for (const work of cleanups.splice(0).reverse()) await work()
})
