import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache.fromEnv(process.env)
const cached = withResponseCache(handler, { cache, waitUntil: (work) => void work.catch(console.error) })
export const server = createServer(getRequestListener(cached)).listen(Number(process.env.PORT ?? 3000))
