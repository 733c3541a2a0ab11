import { defineCachedHandler } from 'nitro/cache'
import { ask } from '../lib/origin.js'

export default defineCachedHandler(() => ask('/page'), { maxAge: 60 })
