import type { MiddlewareHandler } from 'hono'
import { contextOf } from '../area.ts'
import { tokenOf } from '../csrf.ts'
import type { AdminEnv } from '../env.ts'
import type { Plan } from '../options.ts'
import { answerMessage } from './failure.tsx'

/** Lets nobody past but whom `authorize` admits, and only then looks at the cache. */
export function guard({ cacheOf, authorize, isReadOnly, title, history }: Plan): MiddlewareHandler<AdminEnv> {
  return async function guard(c, next) {
    const verdict = await authorize(c)
    // By its shape: a Response may be of another realm.
    if (typeof verdict === 'object' && verdict !== null && 'headers' in verdict) return verdict
    if (verdict !== true) return answerMessage(c, 403, 'You may not see this page.')
    const cache = cacheOf(c)
    // What is neither true nor false is a mistake, and does no harm this way.
    const onlyReads = (await isReadOnly(c)) !== false
    c.set('admin', {
      cache,
      context: contextOf(cache),
      isReadOnly: onlyReads,
      token: onlyReads ? '' : tokenOf(c),
      title,
      history: history ?? null,
    })
    return next()
  }
}
