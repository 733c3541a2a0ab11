/** `pgstash/admin`: pages that show a cache and change it. */
export type { Authorize } from './authorize/authorize.ts'
export { type BasicCredentials, basic } from './authorize/basic.ts'
export { bearer } from './authorize/bearer.ts'
export { type CloudflareAccessOptions, cloudflareAccess } from './authorize/cloudflare-access.ts'
export { cacheAdmin } from './cache-admin.ts'
export type { CacheAdminOptions } from './options.ts'
