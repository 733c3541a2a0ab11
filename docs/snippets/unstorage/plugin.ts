// server/plugins/storage.ts, in Nitro 3
import { definePlugin } from 'nitro'
import { useStorage } from 'nitro/storage'
import { compressingCodec, createCache } from 'pgstash'
import { unstorageDriver } from 'pgstash/unstorage'

export default definePlugin(() => {
  const cache = createCache.fromEnv(process.env, { codec: compressingCodec(), onError: 'miss', timeout: '2s' })
  useStorage().mount('cache', unstorageDriver({ cache }))
})
