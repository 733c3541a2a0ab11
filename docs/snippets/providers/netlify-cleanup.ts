// netlify/functions/cleanup.mts
import { createCache } from 'pgstash'

const cache = createCache.fromEnv()

export default async () => console.log(await cache.clearExpired({ timeBudget: '20s' }))

export const config = { schedule: '@hourly' }
