/** Closes the resources of a test file in reverse order at its end. Unlike `afterAll`, hooks and tests may call it. */
import { afterAll } from 'vitest'

const cleanups: (() => Promise<unknown> | unknown)[] = []

export function cleanup(work: () => Promise<unknown> | unknown): void {
  cleanups.push(work)
}

afterAll(async () => {
  for (const work of cleanups.splice(0).reverse()) await work()
})
