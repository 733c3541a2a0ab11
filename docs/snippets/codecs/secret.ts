import { type Cache, compressingCodec, createCache, type Database, encryptingCodec } from 'pgstash'

/** Compresses before it encrypts, because encrypted bytes do not shrink. */
export function secretCache(db: Database, env: { CACHE_KEY: string; OLD_CACHE_KEY: string }): Cache {
  const codec = encryptingCodec({
    // 32 random bytes each: openssl rand -base64 32
    keys: { june: env.OLD_CACHE_KEY, july: env.CACHE_KEY },
    current: 'july',
    codec: compressingCodec(),
  })
  return createCache(db, { namespace: 'secret', codec })
}
