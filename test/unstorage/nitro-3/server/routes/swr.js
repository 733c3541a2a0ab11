import { defineCachedHandler } from 'nitro/cache'
import { ask } from '../lib/origin.js'

export default defineCachedHandler(() => ask('/swr'), { maxAge: 60, swr: true })
