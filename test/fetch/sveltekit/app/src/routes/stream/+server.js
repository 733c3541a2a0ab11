import { ask } from '$lib/ask'

export function GET() {
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
