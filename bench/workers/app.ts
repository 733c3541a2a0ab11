/** The same pages for all workers: a document of ten kilobytes that takes a little work to render. */
import { Hono, type MiddlewareHandler } from 'hono'

export interface Bindings {
  readonly ENDPOINT: string
  readonly DATABASE_URL: string
}

const ROWS = 150

export function page(name: string): string {
  const rows = Array.from(
    { length: ROWS },
    (_, i) => `<li class="item"><a href="/posts/${i}">Post ${i} of ${name}</a></li>`,
  )
  return `<!doctype html><title>${name}</title><ul>${rows.join('\n')}</ul>`
}

export function pages(...before: MiddlewareHandler[]) {
  const app = new Hono<{ Bindings: Bindings }>()
  for (const middleware of before) app.use('/page/*', middleware)
  return app.get('/page/:name', (c) => {
    c.header('Cache-Control', 'public, max-age=3600')
    return c.html(page(c.req.param('name')))
  })
}
