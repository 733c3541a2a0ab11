import { ask } from '../lib/origin.js'

const part = defineCachedFunction((name) => ask(`/function/${name}`), {
  maxAge: 60,
  name: 'part',
  getKey: (name) => name,
})

export default defineEventHandler(async (event) => ({ text: await part(getQuery(event).name) }))
