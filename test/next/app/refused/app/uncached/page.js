import { cache } from '@/lib/known'

export default async function Page() {
  return <p>{await cache.getOrSet('uncached', () => 'computed')}</p>
}
