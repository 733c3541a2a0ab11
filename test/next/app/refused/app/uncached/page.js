import { cache } from '../../lib/cache.js'

export default async function Page() {
  return <p>{await cache.getOrSet('uncached', () => 'computed')}</p>
}
