/** What changes something: each a POST from a form of these pages, each answered with the way to what came of it. */
import type { Context } from 'hono'
import { textOfCursor } from '../../cache/listing.ts'
import { outcome, perform } from '../../cache/perform.ts'
import { removing } from '../../cache/removing.ts'
import type { PostgresEngine } from '../../postgres/postgres-store.ts'
import { now } from '../../values/clock.ts'
import { InvalidOptionError } from '../../values/errors.ts'
import { type Expiration, parseExpiration } from '../../values/expiration.ts'
import { shownTag } from '../../values/key.ts'
import { keyOfParameter, keyParameter, rangeOf, scopeOf } from '../area.ts'
import type { AdminEnv } from '../env.ts'
import { TOUCH_SPANS } from '../pages/entry-actions.tsx'

/** Below what the smallest plans give a request. */
const CLEANUP_TIME_MS = 5_000
const LOCAL_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?$/

type Form = Record<string, unknown>

/** What a form of each name does; answers with where to go. */
export const CHANGES: Readonly<Record<string, (c: Context<AdminEnv>, form: Form) => Promise<string>>> = {
  async touch(c, form) {
    const span = form.for
    if (typeof span !== 'string' || !Object.hasOwn(TOUCH_SPANS, span)) {
      throw new InvalidOptionError('Expected one of the times that the form offers.')
    }
    return moveDeadline(c.var.admin.context, keyOf(c, form), span as keyof typeof TOUCH_SPANS)
  },
  async expire(c, form) {
    return moveDeadline(c.var.admin.context, keyOf(c, form), form.at === undefined ? null : instantOf(form.at))
  },
  async delete(c, form) {
    const { context } = c.var.admin
    const key = keyOf(c, form)
    await perform(context, {
      name: 'delete',
      run: () => context.store.remove([key]),
      report: (count) => outcome('delete', count),
      changes: [key],
    })
    return './entries?done=deleted'
  },
  async remove(c, form) {
    const { context } = c.var.admin
    if (form.confirmed !== 'yes') throw new InvalidOptionError('Expected the removal to be confirmed.')
    const text = form.text === '' ? '' : textOfCursor(form.text)
    if (form.kind === 'tag') {
      await invalidateTag(context, shownTag(text))
      return './remove?done=invalidated'
    }
    if (form.kind !== 'prefix') throw new InvalidOptionError('Expected a prefix or a tag to remove.')
    // Refuses what is no prefix of a key.
    rangeOf(context.scope, text)
    const removed = await removing({ ...context, scope: scopeOf(context.scope, text) }).clear()
    return `./remove?done=removed&n=${removed}`
  },
  async clean(c) {
    const { removed } = await c.var.admin.cache.clearExpired({ timeBudget: CLEANUP_TIME_MS })
    return `./overview?done=cleaned&n=${removed}`
  },
}

/** By the key as it is stored, because one that was too long cannot be named otherwise. */
async function moveDeadline(context: PostgresEngine, key: string, expiration: Expiration): Promise<string> {
  const deadline = parseExpiration(expiration, now())
  const isMoved = await perform(context, {
    name: 'touch',
    run: () => context.store.touch(key, deadline),
    report: (isTouched) => outcome('touch', Number(isTouched)),
    // A touch into the past is a removal.
    changes: [key],
  })
  return `./entry?key=${keyParameter(key)}&done=${isMoved ? 'moved' : 'absent'}`
}

/** By the tag as it is stored, because one that was too long cannot be named otherwise. */
async function invalidateTag(context: PostgresEngine, tag: string): Promise<void> {
  await perform<void>(context, {
    name: 'invalidate',
    run: () => context.store.invalidate([tag]),
    report: () => outcome('invalidate'),
    changes: 'all',
  })
}

function keyOf(c: Context<AdminEnv>, form: Form): string {
  const key = typeof form.key === 'string' ? keyOfParameter(c.var.admin.context.scope, form.key) : undefined
  if (key === undefined) throw new InvalidOptionError('Expected a key of this cache.')
  return key
}

function instantOf(text: unknown): Date {
  if (typeof text === 'string' && LOCAL_INSTANT.test(text)) return new Date(`${text}Z`)
  throw new InvalidOptionError('Expected a date and a time.')
}
