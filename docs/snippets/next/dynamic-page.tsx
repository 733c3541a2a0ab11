// app/dashboard/page.tsx, without cacheComponents
import { cache } from '@/lib/cache'

export const dynamic = 'force-dynamic'

export default async function Page() {
  const report = await cache.getOrSet('dashboard', async () => ({ madeAt: new Date().toISOString() }))
  return <p>Made at {report.madeAt}</p>
}
