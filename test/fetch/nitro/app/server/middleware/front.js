import { defineMiddleware, setCookie } from 'nitro/h3'

/** Sets fields for one client, whether its response comes from the cache or not. */
export default defineMiddleware((event) => {
  const user = event.req.headers.get('x-user')
  if (user === null) return
  event.res.headers.set('x-account', user)
  setCookie(event, 'session', user)
})
