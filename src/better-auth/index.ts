/** `pgstash/better-auth`: the secondary storage of better-auth. */
export { type SecondaryStorage, type SecondaryStorageOptions, secondaryStorage } from './secondary-storage.ts'
