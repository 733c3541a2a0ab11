import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { checkToken, TOKEN_FIELD } from '../csrf.ts'
import type { AdminEnv } from '../env.ts'
import { CHANGES } from './changes.ts'
import { answerMessage } from './failure.tsx'

/** See Other: redirects to a result page, so that reloading it changes nothing. */
const SEE_OTHER = 303

/** Handles a submitted form. Refuses it if the pages are read-only, or if it does not come from these pages. */
export async function change(c: Context<AdminEnv>) {
  if (c.var.admin.isReadOnly) {
    throw new HTTPException(403, { message: 'These pages are read-only, so nothing can be changed.' })
  }
  const form = await c.req.parseBody()
  checkToken(c, form[TOKEN_FIELD])
  const name = c.req.path.slice(c.req.path.lastIndexOf('/') + 1)
  const work = Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined
  if (work === undefined) return answerMessage(c, 404, 'This form does not exist.')
  return c.redirect(await work(c, form), SEE_OTHER)
}
