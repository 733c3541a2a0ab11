// app/articles/[id]/page.tsx, without cacheComponents
import { cache } from '@/lib/cache'

export const dynamic = 'force-static'
export const revalidate = 3600

// The build renders no page. Each is rendered at its first request, and again once it is an hour old.
export async function generateStaticParams(): Promise<{ id: string }[]> {
  return []
}

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const article = await cache.getOrSet(`article:${id}`, async () => ({ madeAt: new Date().toISOString() }))
  return <p>Made at {article.madeAt}</p>
}
