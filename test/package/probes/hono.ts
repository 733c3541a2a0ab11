/** A hit after a miss, through the middleware alone. */
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import { database, type Probe } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const app = new Hono()
  app.use(responseCache({ cache: createCache(db, { namespace: env.RUNTIME }) }))
  app.get('/', (c) => c.text('Hello', 200, { 'cache-control': 'max-age=60' }))
  const answers: unknown[] = []
  for (const _ of ['miss', 'hit']) {
    const response = await app.request('https://example.com/')
    const status = response.headers.get('cache-status')?.split(';')[1]
    answers.push([await response.text(), status])
  }
  return answers
}

export const expected = [
  ['Hello', 'fwd=uri-miss'],
  ['Hello', 'hit'],
]
