/** The frame of all pages: header, navigation and footer. */
import type { Context } from 'hono'
import { html, raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { visibleName } from '../../values/visible-name.ts'
import type { AdminEnv } from '../env.ts'
import { escapeInvisible } from '../format.ts'
import { STYLE } from '../style.ts'
import { noticeOf } from './notices.ts'

export interface PageProps {
  readonly heading: string
  readonly current?: 'overview' | 'entries' | 'remove'
  readonly children?: Child
}

const PAGES = [
  ['overview', 'Overview'],
  ['entries', 'Entries'],
  ['remove', 'Remove'],
] as const

/** A stack of three discs, as a data URL, so that the browser does not request an icon. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='%233b7ddd'%3E%3Crect x='2' y='2' width='12' height='3' rx='1.5'/%3E%3Crect x='2' y='6.5' width='12' height='3' rx='1.5'/%3E%3Crect x='2' y='11' width='8' height='3' rx='1.5'/%3E%3C/svg%3E"

/** Answers with a page. */
export function renderPage(
  c: Context<AdminEnv>,
  { heading, current, children }: PageProps,
  status: 200 | 400 | 403 | 404 | 413 | 500 | 503 = 200,
) {
  const { title, isReadOnly, engine } = c.var.admin
  const notice = noticeOf(c.req.query('done'), c.req.query('n'))
  return c.html(
    html`<!doctype html>${(
      <Document title={`${heading} · ${title}`}>
        <header>
          <strong>{escapeInvisible(title)}</strong>
          <Navigation current={current} isReadOnly={isReadOnly} />
        </header>
        <main id="main">
          <h1>{heading}</h1>
          {notice !== undefined && (
            <p class="note" role="status">
              {notice}
            </p>
          )}
          {children}
        </main>
        <footer class="soft">
          {engine.scope.names.length > 0 && <>Namespace {engine.scope.names.map(visibleName).join(' / ')} · </>}
          Times are UTC, by the database's clock{isReadOnly && ' · read-only'}
        </footer>
      </Document>
    )}`,
    status,
  )
}

const Navigation = ({ current, isReadOnly }: { current: string | undefined; isReadOnly: boolean }) => (
  <nav aria-label="Pages">
    {PAGES.filter(([page]) => page !== 'remove' || !isReadOnly).map(([page, name]) => (
      <a href={`./${page}`} aria-current={page === current ? 'page' : undefined}>
        {name}
      </a>
    ))}
  </nav>
)

export const Document = ({ title, children }: { title: string; children?: Child }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{escapeInvisible(title)}</title>
      <link rel="icon" href={ICON} />
      <style>{raw(STYLE)}</style>
    </head>
    <body>
      <a class="skip" href="#main">
        Skip to content
      </a>
      {children}
    </body>
  </html>
)
