/** `pgstash/next`: both handlers, as Next calls them. */
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheHandler, cacheHandlers } from 'pgstash/next'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `next ${env.RUNTIME}` })
  const handlers = cacheHandlers(cache)
  const entry = (text: string) => ({
    value: new Response(text).body as ReadableStream<Uint8Array>,
    tags: ['a'],
    stale: 1,
    expire: 60,
    revalidate: 30,
    timestamp: performance.timeOrigin + performance.now(),
  })
  const read = async () => {
    const found = await handlers.get('key', ['page'])
    return (
      found && [found.revalidate, await new Response(found.value as ReadableStream<Uint8Array<ArrayBuffer>>).text()]
    )
  }
  const answers: unknown[] = [await read()]
  await handlers.set('key', Promise.resolve(entry('one')))
  answers.push(await read())
  await handlers.updateTags(['a'], { expire: 60 })
  answers.push(await read())
  await handlers.updateTags(['a'])
  answers.push(await read())

  const pages = new (cacheHandler(cache))()
  await pages.set('/page', { kind: 'APP_ROUTE', body: new Uint8Array([0, 255]), headers: {}, status: 200 })
  const page = await pages.get('/page', { kind: 'APP_ROUTE' })
  return { answers: answers.map((answer) => answer ?? null), body: [...(page?.value.body ?? [])] }
}

export const expected = {
  answers: [null, [30, 'one'], [-1, 'one'], null],
  body: [0, 255],
}
