/** `pgstash/unstorage`: a driver for unstorage, and so for the caches of Nitro and Nuxt. */
export { type UnstorageDriver, unstorageDriver, unstorageDriver as default } from './driver.ts'
export type { UnstorageDriverOptions } from './options.ts'
