import { unstable_cache } from 'next/cache'
import { connection } from 'next/server'
import { cache } from '@/lib/cache'

const report = unstable_cache(() => cache.getOrSet('unstable', () => `computed ${crypto.randomUUID()}`), ['report'])

export default async function Page() {
  await connection()
  return <p>{await report()}</p>
}
