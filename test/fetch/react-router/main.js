/** Serves the app on Node, behind a server that sets fields for one client. */
import { serve } from '@hono/node-server'
import { neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'
import app from './recipe.ts'

enableLocalNeon(neonConfig)

async function fetch(request) {
  const response = await app.fetch(request)
  const user = request.headers.get('x-user')
  if (user !== null) {
    response.headers.set('x-account', user)
    response.headers.append('set-cookie', `session=${user}`)
  }
  return response
}

serve({ fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
