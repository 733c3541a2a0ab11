/** `pgstash/dev`: a local Neon endpoint for development and tests. Node only. */

export { LocalNeonError } from './local-neon-error.ts'
export { type LocalNeon, type LocalNeonOptions, startLocalNeon } from './start-local-neon.ts'
