import { cache } from '../../lib/cache.js'

export const dynamic = 'force-static'
export const revalidate = 3600
export async function generateStaticParams() { return [] }

export default async function Page() {
  return <p>{await cache.getOrSet('regenerated', () => `computed ${crypto.randomUUID()}`)}</p>
}
