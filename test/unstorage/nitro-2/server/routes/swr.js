import { ask } from '../lib/origin.js'

export default cachedEventHandler(() => ask('/swr'), { maxAge: 60, staleMaxAge: 3600, swr: true })
