import { unstable_cache } from 'next/cache'
import { compute } from '@/lib/origin'

export const revalidate = 3600

const report = unstable_cache(async () => compute('isr'), ['report'], { tags: ['isr'] })

export default async function Page() {
  return <p>{await report()}</p>
}
