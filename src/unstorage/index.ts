/** `pgstash/unstorage`: a driver for unstorage, which Nitro and Nuxt use for their caches. */
export { type UnstorageDriver, unstorageDriver, unstorageDriver as default } from './driver.ts'
export type { UnstorageDriverOptions } from './options.ts'
