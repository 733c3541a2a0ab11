/** The changes that forms can make. Each form is a POST, and each answer redirects to a page with the result. */
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

/** Shorter than the time limit of a request on the smallest hosting plans. */
const CLEANUP_TIME_MS = 5_000
const LOCAL_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?$/

type Form = Record<string, unknown>

/** The action of each form, by name. Returns the URL to redirect to. */
export const CHANGES: Readonly<Record<string, (c: Context<AdminEnv>, form: Form) => Promise<string>>> = {
  async touch(c, form) {
    const span = form.for
    if (typeof span !== 'string' || !Object.hasOwn(TOUCH_SPANS, span)) {
      throw new InvalidOptionError('Expected one of the TTLs that the form offers.')
    }
    return moveDeadline(c.var.admin.engine, keyOf(c, form), span as keyof typeof TOUCH_SPANS)
  },
  async expire(c, form) {
    return moveDeadline(c.var.admin.engine, keyOf(c, form), form.at === undefined ? null : instantOf(form.at))
  },
  async delete(c, form) {
    const { engine } = c.var.admin
    const key = keyOf(c, form)
    await perform(engine, {
      name: 'delete',
      run: () => engine.store.remove([key]),
      report: (count) => outcome('delete', count),
      changes: [key],
    })
    return './entries?done=deleted'
  },
  async remove(c, form) {
    const { engine } = c.var.admin
    if (form.confirmed !== 'yes') throw new InvalidOptionError('Expected a confirmation: tick the box of the form.')
    const text = form.text === '' ? '' : textOfCursor(form.text)
    if (form.kind === 'tag') {
      await invalidateTag(engine, shownTag(text))
      return './remove?done=invalidated'
    }
    if (form.kind !== 'prefix') throw new InvalidOptionError('Expected a prefix or a tag to remove.')
    // Throws if the text cannot be a prefix of a key.
    rangeOf(engine.scope, text)
    const removed = await removing({ ...engine, scope: scopeOf(engine.scope, text) }).clear()
    return `./remove?done=removed&n=${removed}`
  },
  async clean(c) {
    const { removed } = await c.var.admin.cache.clearExpired({ timeBudget: CLEANUP_TIME_MS })
    return `./overview?done=cleaned&n=${removed}`
  },
}

/** Takes the stored key, because the original of a key that was too long is unknown. */
async function moveDeadline(engine: PostgresEngine, key: string, expiration: Expiration): Promise<string> {
  const deadline = parseExpiration(expiration, now())
  const isMoved = await perform(engine, {
    name: 'touch',
    run: () => engine.store.touch(key, deadline),
    report: (isTouched) => outcome('touch', Number(isTouched)),
    // A deadline in the past removes the entry.
    changes: [key],
  })
  return `./entry?key=${keyParameter(key)}&done=${isMoved ? 'moved' : 'absent'}`
}

/** Takes the stored tag, because the original of a tag that was too long is unknown. */
async function invalidateTag(engine: PostgresEngine, tag: string): Promise<void> {
  await perform<void>(engine, {
    name: 'invalidate',
    run: () => engine.store.invalidate([tag]),
    report: () => outcome('invalidate'),
    changes: 'all',
  })
}

function keyOf(c: Context<AdminEnv>, form: Form): string {
  const key = typeof form.key === 'string' ? keyOfParameter(c.var.admin.engine.scope, form.key) : undefined
  if (key === undefined) throw new InvalidOptionError('Expected a key of this cache.')
  return key
}

function instantOf(text: unknown): Date {
  if (typeof text === 'string' && LOCAL_INSTANT.test(text)) return new Date(`${text}Z`)
  throw new InvalidOptionError('Expected a date and a time, such as 2030-01-01T12:00.')
}
