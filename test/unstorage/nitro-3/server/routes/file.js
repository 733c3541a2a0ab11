import { defineHandler } from 'nitro'
import { useStorage } from 'nitro/storage'

/** Keeps a file as it is uploaded, and answers with it. */
export default defineHandler(async (event) => {
  const files = useStorage('data')
  if (event.req.method === 'PUT') return files.setItemRaw('files:one', await event.req.arrayBuffer())
  return new Response(await files.getItemRaw('files:one'), { headers: { 'content-type': 'application/octet-stream' } })
})
