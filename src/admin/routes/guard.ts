import type { MiddlewareHandler } from 'hono'
import { requireEngine } from '../area.ts'
import { tokenOf } from '../csrf.ts'
import type { AdminEnv } from '../env.ts'
import type { AdminSettings } from '../options.ts'
import { answerMessage } from './failure.tsx'

/** Stops every request that `authorize` does not admit. Only then does it get the cache. */
export function guard({ cacheOf, authorize, isReadOnly, title, history }: AdminSettings): MiddlewareHandler<AdminEnv> {
  return async function guard(c, next) {
    const verdict = await authorize(c)
    // Checks the shape, not the class, because a Response may come from another realm.
    if (typeof verdict === 'object' && verdict !== null && 'headers' in verdict) return verdict
    if (verdict !== true) return answerMessage(c, 403, 'You are not allowed to see this page.')
    const cache = cacheOf(c)
    // Any result but false counts as read-only, so that a mistake in `readOnly` does no harm.
    const onlyReads = (await isReadOnly(c)) !== false
    c.set('admin', {
      cache,
      engine: requireEngine(cache),
      isReadOnly: onlyReads,
      token: onlyReads ? '' : tokenOf(c),
      title,
      history: history ?? null,
    })
    return next()
  }
}
