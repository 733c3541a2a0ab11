import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { checkToken, TOKEN_FIELD } from '../csrf.ts'
import type { AdminEnv } from '../env.ts'
import { CHANGES } from './changes.ts'
import { answerMessage } from './failure.tsx'

/** See Other: what comes of a form is a page of its own, so that loading it again changes nothing. */
const SEE_OTHER = 303

/** A form that was sent: refused where nothing can be changed, or where it did not come from these pages. */
export async function change(c: Context<AdminEnv>) {
  if (c.var.admin.isReadOnly) {
    throw new HTTPException(403, { message: 'Nothing can be changed here: these pages are read-only.' })
  }
  const form = await c.req.parseBody()
  checkToken(c, form[TOKEN_FIELD])
  const name = c.req.path.slice(c.req.path.lastIndexOf('/') + 1)
  const work = Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined
  if (work === undefined) return answerMessage(c, 404, 'There is no such form.')
  return c.redirect(await work(c, form), SEE_OTHER)
}
