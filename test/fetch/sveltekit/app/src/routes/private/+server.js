import { ask } from '$lib/ask'

export const GET = async () =>
  new Response(await ask('/private'), { headers: { 'cache-control': 'private, max-age=60' } })
