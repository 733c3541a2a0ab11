/** A server build by hand, as the Vite plugin of React Router makes it from an app. */
import { renderToReadableStream } from 'react-dom/server.browser'
import { data, Form, Outlet, ServerRouter, useLoaderData } from 'react-router'

async function render(request, status, headers, context) {
  const body = await renderToReadableStream(<ServerRouter context={context} url={request.url} />)
  headers.set('content-type', 'text/html')
  return new Response(body, { status, headers })
}

export const entry = { module: { default: render } }

const root = {
  default: () => (
    <html lang="en">
      <body>
        <Outlet />
      </body>
    </html>
  ),
  middleware: [
    async function sayUrl({ request }, next) {
      const response = await next()
      response.headers.set('x-url-of-middleware', request.url)
      return response
    },
  ],
}

const page = {
  loader: async () =>
    data({ made: await ask('/page') }, { headers: { 'cache-control': 'max-age=60', 'cache-groups': '"page"' } }),
  action: () => data('changed', { headers: { 'cache-group-invalidation': '"page"' } }),
  headers: ({ loaderHeaders, actionHeaders }) => new Headers([...loaderHeaders, ...actionHeaders]),
  default: function Page() {
    return (
      <Form method="post">
        <p>{useLoaderData().made}</p>
      </Form>
    )
  },
}

/** Sends its page, and then data that fails. */
const late = {
  loader: () =>
    data(
      { late: ask('/late').then(() => Promise.reject(new Error('late'))) },
      { headers: { 'cache-control': 'max-age=60' } },
    ),
  headers: ({ loaderHeaders }) => loaderHeaders,
  default: () => <p>late</p>,
}

const report = {
  async loader({ request }) {
    const condition = request.headers.get('if-none-match') ?? 'none'
    const made = await ask('/report', { headers: { 'x-condition': condition }, signal: request.signal })
    return new Response(made, {
      headers: { 'cache-control': 'max-age=60, stale-while-revalidate=3600', etag: `"${made}"` },
    })
  },
  action: () => new Response(null, { status: 204 }),
}

const stream = {
  loader() {
    const encoder = new TextEncoder()
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(encoder.encode('first '))
        controller.enqueue(encoder.encode(await ask('/stream')))
        controller.close()
      },
    })
    return new Response(body, { headers: { 'cache-control': 'max-age=60' } })
  },
}

const personal = {
  loader: async () => new Response(await ask('/private'), { headers: { 'cache-control': 'private, max-age=60' } }),
}

/** A text of the test's origin, which no other call gets. */
async function ask(path, init) {
  return (await fetch(process.env.ORIGIN + path, init)).text()
}

const child = (id, module) => ({ id, path: id, parentId: 'root', module })

export const routes = {
  root: { id: 'root', path: '', module: root },
  page: child('page', page),
  late: child('late', late),
  report: child('report', report),
  stream: child('stream', stream),
  private: child('private', personal),
}

export const assets = {
  entry: { imports: [], module: '/entry.js' },
  routes: Object.fromEntries(
    Object.values(routes).map(({ module, ...route }) => [
      route.id,
      { ...route, hasLoader: 'loader' in module, hasAction: 'action' in module, module: `/${route.id}.js` },
    ]),
  ),
  url: '/manifest.js',
  version: '1',
}

export const future = { v8_middleware: true }
export const publicPath = '/'
export const assetsBuildDirectory = 'build/client'
export const ssr = true
export const isSpaMode = false
export const prerender = []
export const routeDiscovery = { mode: 'lazy', manifestPath: '/__manifest' }
