import { cache } from '../../lib/cache.js'

export const dynamic = 'force-dynamic'

export default async function Page() {
  return <p>{await cache.getOrSet('dynamic', () => `computed ${crypto.randomUUID()}`)}</p>
}
