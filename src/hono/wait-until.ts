import type { Context } from 'hono'

type WaitUntil = (work: Promise<unknown>) => void

/** What keeps work alive after a request's response: what was given, or the runtime's, where it has one. */
export function waitUntilOf(c: Context, given: WaitUntil | undefined): WaitUntil | undefined {
  if (given !== undefined) return given
  try {
    const { executionCtx } = c
    return (work) => executionCtx.waitUntil(work)
  } catch {
    // Hono throws where there is none, on Node.
    return undefined
  }
}
