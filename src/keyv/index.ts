/**
 * `pgstash/keyv`: a store for Keyv 5 and 6. It also works for cacheable, cache-manager, NestJS, Apollo Server and got.
 */
export { keyvStore } from './keyv-store.ts'
export type { KeyvStore } from './types.ts'
