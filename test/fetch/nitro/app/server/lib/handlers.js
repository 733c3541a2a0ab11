/** The behaviour of the routes, in the style of h3: the response headers belong to the event. */
import { HTTPError } from 'nitro/h3'

export async function report({ req, res }) {
  if (req.method === 'PUT') {
    res.status = 204
    return null
  }
  const headers = {
    'x-condition': req.headers.get('if-none-match') ?? 'none',
    'x-address': String(req.ip),
    'x-runtime': String(req.runtime?.name),
  }
  res.headers.set('cache-control', 'max-age=60, stale-while-revalidate=3600')
  const made = await ask('/report', { headers, signal: req.signal })
  res.headers.set('etag', `"${made}"`)
  return made
}

export function stream({ res }) {
  const encoder = new TextEncoder()
  res.headers.set('cache-control', 'max-age=60')
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode('first '))
      controller.enqueue(encoder.encode(await ask('/stream')))
      controller.close()
    },
  })
}

export function personal({ res }) {
  res.headers.set('cache-control', 'private, max-age=60')
  return ask('/private')
}

export function failing() {
  throw new HTTPError({ status: 422, message: 'not today' })
}

/** A text of the test's origin, which no other call gets. */
async function ask(path, init) {
  return (await fetch(process.env.ORIGIN + path, init)).text()
}
