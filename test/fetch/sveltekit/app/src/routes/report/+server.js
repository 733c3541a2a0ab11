import { ask } from '$lib/ask'

export async function GET({ request }) {
  const condition = request.headers.get('if-none-match') ?? 'none'
  const made = await ask('/report', { headers: { 'x-condition': condition }, signal: request.signal })
  return new Response(made, {
    headers: { 'cache-control': 'max-age=60, stale-while-revalidate=3600', etag: `"${made}"` },
  })
}

export const PUT = () => new Response(null, { status: 204 })
