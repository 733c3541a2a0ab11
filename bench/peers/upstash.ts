import { Redis } from '@upstash/redis'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

const options = { ex: TTL_SECONDS }

/** Over a stand-in for Upstash's endpoint: bench/processes/redis-rest.ts. */
export default {
  name: '@upstash/redis',
  transports: ['http'],
  packages: ['@upstash/redis'],
  async prepare(bench, { roundTripMs }) {
    const url = await bench.delayed(await bench.upstash(), roundTripMs)
    return async () => {
      const settings = { url, token: 'local', enableTelemetry: false }
      const redis = new Redis({ ...settings, enableAutoPipelining: false })
      const collecting = new Redis({ ...settings, enableAutoPipelining: true })
      return {
        get: (key) => redis.get(key),
        getInOneTick: (key) => collecting.get(key),
        set: (key, value) => redis.set(key, value, options),
        getMany: (keys) => redis.mget(...keys),
        setMany: (entries) => {
          const pipeline = redis.pipeline()
          for (const [key, value] of entries) pipeline.set(key, value, options)
          return pipeline.exec()
        },
        touch: (key) => redis.expire(key, TTL_SECONDS),
        increment: (key) => redis.incrby(key, 1),
      }
    }
  },
} satisfies Peer
