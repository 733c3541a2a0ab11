/** A worker with one cache for all of its requests, as people write it. */
import { type Cache, createCache } from 'pgstash'
import { database, type ProbeEnv } from './probe.ts'

interface Env extends ProbeEnv {
  readonly TIMEOUT_MS: string
  /** Counts who has arrived, and opens a gate once all have. */
  readonly GATE: string
}

let cache: Cache | undefined
let gate: Promise<unknown> | undefined

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    cache ??= createCache(database(env), { timeout: Number(env.TIMEOUT_MS) })
    const { pathname, searchParams } = new URL(request.url)
    const own = searchParams.get('own') ?? ''
    try {
      if (pathname === '/gated') await passGate(env)
      const values = await Promise.all(['same', own, 'same', 'missing'].map((key) => cache?.get(key)))
      const later = await cache.get('same')
      return Response.json([...values.map((value) => value ?? null), later])
    } catch (error) {
      return new Response(String(error), { status: 500 })
    }
  },
}

/** Everyone awaits the promise of who came first, and goes on in the microtask in which it is fulfilled. */
async function passGate(env: Env): Promise<void> {
  if (gate === undefined) gate = fetch(`${env.GATE}/opened`).then((response) => response.text())
  // Not awaited: whoever is counted already waits at the gate.
  else fetch(`${env.GATE}/arrived`).catch(() => {})
  await gate
}
