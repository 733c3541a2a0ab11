/** What went wrong, as a page; without details where they are nobody's business. */
import type { Context } from 'hono'
import { html } from 'hono/html'
import { HTTPException } from 'hono/http-exception'
import { CacheError } from '../../values/errors.ts'
import { isOutage } from '../../values/outage.ts'
import type { AdminEnv } from '../env.ts'
import { Document, renderPage } from '../pages/layout.tsx'

type Status = 400 | 403 | 404 | 413 | 500 | 503

export function answerFailure(error: Error, c: Context<AdminEnv>) {
  const [status, message] = explained(error, c.var.admin !== undefined)
  // To the platform's log: who looks at the page may not be who is to repair it.
  if (status === 500) console.error(error)
  return answerMessage(c, status, message)
}

/** A page that says why there is no other. Before it is clear who asks, it has nothing else on it. */
export function answerMessage(c: Context<AdminEnv>, status: Status, message: string) {
  const heading = HEADINGS[status]
  const note = <p class="note bad">{message}</p>
  if (c.var.admin !== undefined) return renderPage(c, { heading, children: note }, status)
  return c.html(
    html`<!doctype html>${(
      <Document title={heading}>
        <main id="main">
          <h1>{heading}</h1>
          {note}
        </main>
      </Document>
    )}`,
    status,
  )
}

const HEADINGS: Readonly<Record<Status, string>> = {
  400: 'That could not be read',
  403: 'Not allowed',
  404: 'Not found',
  413: 'Too large',
  500: 'Something went wrong',
  503: 'The database did not answer',
}

function explained(error: Error, isAdmitted: boolean): [Status, string] {
  if (error instanceof HTTPException && (error.status === 403 || error.status === 413)) {
    return [error.status, error.message || 'This request came from elsewhere.']
  }
  if (isOutage(error)) return [503, error.message]
  // Messages of these hold neither values nor keys. One that `authorize` threw is about the program, not the request.
  if (isAdmitted && error instanceof CacheError) return [400, error.message]
  return [500, 'The details are in the log.']
}
