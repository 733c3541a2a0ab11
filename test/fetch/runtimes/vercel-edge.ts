/** Serves a function's exports like Vercel's edge. */
import { neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'
import * as recipe from './recipe.ts'

type Handler = (request: Request) => Promise<Response>

interface FetchEvent {
  readonly request: Request
  respondWith(response: Response | Promise<Response>): void
  waitUntil(work: Promise<unknown>): void
}

declare function addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void

enableLocalNeon(neonConfig)

addEventListener('fetch', (event) => {
  // `waitUntil` of @vercel/functions looks here for the request's own.
  const context = { waitUntil: (work: Promise<unknown>) => event.waitUntil(work) }
  Object.assign(globalThis, { [Symbol.for('@vercel/request-context')]: { get: () => context } })
  const { [event.request.method]: handler } = recipe as Record<string, unknown> as Record<string, Handler>
  event.respondWith(handler?.(event.request) ?? new Response(null, { status: 405 }))
})
