/** Serves a function's default export like Vercel on Node. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { serve } from '@hono/node-server'
import { neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'
import recipe from './recipe.ts'

type WaitUntil = (work: Promise<unknown>) => void

enableLocalNeon(neonConfig)

// `waitUntil` of @vercel/functions looks here for the request's own.
const contexts = new AsyncLocalStorage<{ waitUntil: WaitUntil }>()
Object.assign(globalThis, { [Symbol.for('@vercel/request-context')]: { get: () => contexts.getStore() } })

serve({
  port: Number(process.env.PORT),
  hostname: '127.0.0.1',
  fetch: (request) =>
    contexts.run({ waitUntil: (work) => void work.catch(console.error) }, () => recipe.fetch(request)),
})
