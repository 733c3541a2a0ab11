/** Answers a failure with a page. The page shows no details that a visitor must not know. */
import type { Context } from 'hono'
import { html } from 'hono/html'
import { HTTPException } from 'hono/http-exception'
import { CacheError } from '../../values/errors.ts'
import { isOutage } from '../../values/outage.ts'
import type { AdminEnv } from '../env.ts'
import { Document, renderPage } from '../pages/layout.tsx'

type Status = 400 | 403 | 404 | 413 | 500 | 503

export function answerFailure(error: Error, c: Context<AdminEnv>) {
  const [status, message] = explain(error, c.var.admin !== undefined)
  // Logs the error on the server, because the visitor may not be the person who has to fix it.
  if (status === 500) console.error(error)
  return answerMessage(c, status, message)
}

/** Answers with a message as a page. Before the request is authorized, the page shows nothing else. */
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
  400: 'Invalid request',
  403: 'Not allowed',
  404: 'Not found',
  413: 'Too large',
  500: 'Something went wrong',
  503: 'The database did not answer',
}

function explain(error: Error, isAdmitted: boolean): [Status, string] {
  if (error instanceof HTTPException && (error.status === 403 || error.status === 413)) {
    return [error.status, error.message || 'This request came from another site. Use the forms of these pages.']
  }
  if (isOutage(error)) return [503, error.message]
  // Messages of cache errors contain neither values nor keys. Before admission, `authorize` itself threw the error:
  // that is a bug in the program, not in the request.
  if (isAdmitted && error instanceof CacheError) return [400, error.message]
  return [500, "The details are in the server's log."]
}
