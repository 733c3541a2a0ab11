import { defineHandler } from 'nitro'
import { defineCachedFunction } from 'nitro/cache'
import { ask } from '../lib/origin.js'

const part = defineCachedFunction((name) => ask(`/function/${name}`), {
  maxAge: 60,
  name: 'part',
  getKey: (name) => name,
})

export default defineHandler(async (event) => {
  const name = event.url.searchParams.get('name')
  if (event.req.method === 'DELETE') await part.invalidate(name)
  return { text: await part(name) }
})
