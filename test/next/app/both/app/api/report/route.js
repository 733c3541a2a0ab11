import { cache } from '../../../lib/cache.js'

export async function GET() {
  return Response.json(await cache.getOrSet('route', () => `computed ${crypto.randomUUID()}`))
}
