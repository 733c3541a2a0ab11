import { revalidatePath, revalidateTag } from 'next/cache'

export async function POST(request) {
  const { tag, path, profile = { expire: 0 } } = await request.json()
  if (tag !== undefined) revalidateTag(tag, profile)
  if (path !== undefined) revalidatePath(path)
  return new Response('done')
}
