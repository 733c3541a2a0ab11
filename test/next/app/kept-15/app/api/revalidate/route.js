import { revalidatePath, revalidateTag } from 'next/cache'

export async function POST(request) {
  const { tag, path } = await request.json()
  if (tag !== undefined) revalidateTag(tag)
  if (path !== undefined) revalidatePath(path)
  return new Response('done')
}
