/** Uses Bun's own client as a database of the cache, without Drizzle. Prints the results as JSON. */
import { SQL } from 'bun'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'

const sql = new SQL(process.env.BUN_DATABASE_URL)
await migrate(sql)
const cache = createCache(sql, { timeout: 60_000 })
await cache.setMany({ value: { list: [1] }, number: 41 }, { tags: ['tag'] })
const outside = {
  many: Object.fromEntries(await cache.getMany(['value', 'number', 'missing'])),
  computed: [await cache.getOrSet('computed', () => 1), await cache.getOrSet('computed', () => 2)],
  counted: await cache.increment('number'),
}
await sql.begin(async (tx) => createCache(tx, { timeout: 60_000 }).set('kept', 1))
await sql
  .begin(async (tx) => {
    await createCache(tx, { timeout: 60_000 }).set('lost', 1)
    throw new Error('Roll back.')
  })
  .catch(() => {})
await cache.invalidate('tag')
const after = { kept: await cache.get('kept'), lost: await cache.has('lost'), tagged: await cache.has('value') }
console.log(JSON.stringify({ ...outside, ...after }))
await sql.end()
