import type { Context } from 'hono'

type WaitUntil = (work: Promise<unknown>) => void

/**
 * Returns the function that keeps work alive after the response: the given one, otherwise the runtime's, if it has one.
 */
export function waitUntilOf(c: Context, given: WaitUntil | undefined): WaitUntil | undefined {
  if (given !== undefined) return given
  try {
    const { executionCtx } = c
    return (work) => executionCtx.waitUntil(work)
  } catch {
    // Hono throws if the runtime has no execution context, as on Node.
    return undefined
  }
}
