/** `pgstash/better-auth`: a secondary storage for better-auth. */
export { type SecondaryStorage, type SecondaryStorageOptions, secondaryStorage } from './secondary-storage.ts'
