import { cache } from './cache.ts'

console.log(await cache.clearExpired())
