import { cache } from '@/lib/known'

export const instant = false

export default async function Page() {
  return <p>{await cache.getOrSet('blocking', () => `computed ${crypto.randomUUID()}`)}</p>
}
