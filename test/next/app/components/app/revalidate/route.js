import { revalidateTag } from 'next/cache'

export async function POST() {
  revalidateTag('cached', { expire: 0 })
  return new Response('revalidated')
}
