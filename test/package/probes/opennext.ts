/** `pgstash/opennext`: the three overrides. */
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { incrementalCache, queue, tagCache } from 'pgstash/opennext'
import { cacheTables } from 'pgstash/schema'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

const PAGE = { type: 'app', html: '<p>A</p>', meta: { headers: { 'x-next-cache-tags': 'posts' } } }

export const run: Probe = async (env) => {
  const db = database(env)
  const tables = cacheTables({ prefix: `opennext_${env.RUNTIME}_` })
  await migrate(db, { tables })
  const makeCache = () => createCache(db, { timeout: 60_000, tables })
  const [pages, tags] = [incrementalCache(makeCache), tagCache(makeCache)]
  await pages.set('/page', PAGE)
  const found = await pages.get<typeof PAGE>('/page')
  const question = [['posts'], found?.lastModified] as [string[], number | undefined]
  const before = await tags.hasBeenRevalidated(...question)
  await tags.writeTags(['posts'])
  const message = { MessageBody: { host: 'shop.example', url: '/page' }, MessageDeduplicationId: 'page' }
  return {
    html: found?.value.html,
    revalidated: [before, await tags.hasBeenRevalidated(...question)],
    unbound: await queue(makeCache)
      .send(message)
      .catch(({ code }) => code),
  }
}

export const expected = { html: '<p>A</p>', revalidated: [false, true], unbound: 'INVALID_OPTION' }
