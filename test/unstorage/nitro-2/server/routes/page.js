import { ask } from '../lib/origin.js'

export default defineCachedEventHandler(() => ask('/page'), { maxAge: 60, swr: false })
