/** A handler with every kind of response that the shared tests need. It replaces the documented handler. */
import { handler as documented } from './documented.ts'
import { ORIGIN } from './origin.ts'

export async function handler(request: Request): Promise<Response> {
  if (request.method === 'PUT') return new Response(null, { status: 204 })
  switch (new URL(request.url).pathname) {
    case '/report':
      return report(request)
    case '/stream':
      return stream()
    case '/private':
      return new Response(await ask('/private'), { headers: { 'cache-control': 'private, max-age=60' } })
    default:
      return documented(request)
  }
}

async function report(request: Request): Promise<Response> {
  const condition = request.headers.get('if-none-match') ?? 'none'
  // Some runtimes abort the signal of a request once it is answered. A refresh must continue after that.
  const made = await ask('/report', { headers: { 'x-condition': condition }, signal: request.signal })
  return new Response(made, {
    headers: {
      'content-type': 'text/plain',
      'cache-control': 'max-age=60, stale-while-revalidate=3600',
      etag: `"${made}"`,
    },
  })
}

function stream(): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(encoder.encode('first '))
      controller.enqueue(encoder.encode(await ask('/stream')))
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/plain', 'cache-control': 'max-age=60' } })
}

async function ask(path: string, init: RequestInit = {}): Promise<string> {
  return (await fetch(ORIGIN + path, init)).text()
}
