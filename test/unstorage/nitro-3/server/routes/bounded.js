import { defineCachedHandler } from 'nitro/cache'
import { ask } from '../lib/origin.js'

export default defineCachedHandler(() => ask('/bounded'), { maxAge: 60, staleMaxAge: 3600, swr: true })
