import { defineCachedHandler } from 'nitro/cache'
import { ask } from '../lib/origin.js'

const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)

export default defineCachedHandler(
  async () => {
    await ask('/image')
    return new Response(bytes, { headers: { 'content-type': 'image/png' } })
  },
  { maxAge: 60 },
)
