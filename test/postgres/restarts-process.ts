/** Uses a cache over the documented pool until its input ends, also from within a transaction. */
import { once } from 'node:events'
import { sql } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { openDatabase } from '../../docs/snippets/connections/pg.ts'
import { createListening } from '../../docs/snippets/stores/listening.ts'

const [url = ''] = process.argv.slice(2)

async function main() {
  const db = openDatabase(url)
  const cache = createCache(db)
  const near = await createListening(url)
  await cache.set('key', 1)
  // This connection is idle in a transaction when the server ends it.
  const open = db.transaction(async (tx) => {
    await tx.execute(sql`select 1`)
    process.stdout.write('ready')
    await once(process.stdin, 'data')
    await tx.execute(sql`select 1`)
  })
  await open.catch(() => process.stdout.write('rolled back'))
  for (const each of [cache, near.cache]) {
    for (let isUp = false; !isUp; ) isUp = (await each.increment('counter').catch(() => 0)) > 0
  }
  process.stdout.write('works again')
  await near.close()
  await db.$client.end()
  process.stdin.destroy()
}

main()
