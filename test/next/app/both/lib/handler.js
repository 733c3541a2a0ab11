import { cookies } from 'next/headers'

/** The routes that the shared tests of test/fetch need. */
export async function handler(request) {
  if (request.method === 'PUT') return new Response(null, { status: 204 })
  switch (new URL(request.url).pathname.split('/').at(-1)) {
    case 'report':
      return report(request)
    case 'stream':
      return stream()
    case 'private':
      return new Response(await ask('/private'), { headers: { 'cache-control': 'private, max-age=60' } })
    case 'cookie':
      ;(await cookies()).set('own', '1')
      return new Response(await ask('/cookie'), { headers: { 'cache-control': 'max-age=60' } })
    case 'host':
      await ask('/host')
      return new Response(`${request.headers.get('host')} at ${new URL(request.url).hostname}`, {
        headers: { 'cache-control': 'max-age=60' },
      })
    default:
      return new Response(await ask('/default'), { headers: { 'cache-control': 'max-age=60' } })
  }
}

async function report(request) {
  const condition = request.headers.get('if-none-match') ?? 'none'
  const made = await ask('/report', { headers: { 'x-condition': condition }, signal: request.signal })
  return new Response(made, {
    headers: { 'cache-control': 'max-age=60, stale-while-revalidate=3600', etag: `"${made}"` },
  })
}

function stream() {
  const encoder = new TextEncoder()
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode('first '))
      controller.enqueue(encoder.encode(await ask('/stream')))
      controller.close()
    },
  })
  return new Response(body, { headers: { 'cache-control': 'max-age=60' } })
}

async function ask(path, init) {
  return (await fetch(process.env.ORIGIN + path, init)).text()
}
