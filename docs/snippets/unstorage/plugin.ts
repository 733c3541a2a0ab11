// server/plugins/storage.ts, in Nitro 3
import { drizzle } from 'drizzle-orm/node-postgres'
import { definePlugin } from 'nitro'
import { useStorage } from 'nitro/storage'
import { createCache } from 'pgstash'
import { unstorageDriver } from 'pgstash/unstorage'

export default definePlugin(() => {
  const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''), { onError: 'miss', timeout: '2s' })
  useStorage().mount('cache', unstorageDriver({ cache }))
})
