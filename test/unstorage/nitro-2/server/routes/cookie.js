import { ask } from '../lib/origin.js'

export default defineCachedEventHandler(
  async (event) => {
    setCookie(event, 'session', 'secret')
    return ask('/cookie')
  },
  { maxAge: 60, swr: true },
)
