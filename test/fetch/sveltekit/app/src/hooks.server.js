import { neonConfig } from '@neondatabase/serverless'
import { sequence } from '@sveltejs/kit/hooks'
import { enableLocalNeon } from 'pgstash'
import { handle as cached } from './cached'

enableLocalNeon(neonConfig)

/** Sets fields for one client on the response, whether it comes from the cache or not. */
async function front({ event, resolve }) {
  const response = await resolve(event)
  const user = event.request.headers.get('x-user')
  if (user === null) return response
  response.headers.set('x-account', user)
  response.headers.append('set-cookie', event.cookies.serialize('session', user, { path: '/' }))
  return response
}

/** Sets a cookie in the other way, which SvelteKit adds to the responses of routes only. */
function cookieOfRoute({ event, resolve }) {
  if (event.request.headers.has('x-cookie')) event.cookies.set('route', '1', { path: '/' })
  return resolve(event)
}

export const handle = sequence(front, cookieOfRoute, cached)
