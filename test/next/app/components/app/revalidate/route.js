import { revalidateTag } from 'next/cache'

export async function POST() {
  revalidateTag('report', { expire: 0 })
  return new Response('revalidated')
}
