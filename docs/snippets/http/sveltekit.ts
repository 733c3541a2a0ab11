// src/hooks.server.ts
import type { Handle } from '@sveltejs/kit'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { building, dev, version } from '$app/environment'
import { env } from '$env/dynamic/private'

const cache = createCache.fromEnv(env)
const waitUntil = (work: Promise<unknown>) => void work.catch(console.error)
const cached = withResponseCache(
  (request: Request, { event, resolve }: Parameters<Handle>[0]) => resolve({ ...event, request }),
  { cache, waitUntil, key: () => version },
)
export const handle: Handle = (input) =>
  building || dev ? input.resolve(input.event) : cached(input.event.request, input)
