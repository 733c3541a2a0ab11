/** `pgstash/testing`: the contract that every store must pass, and faults for a local Neon. */
export * from './contract/index.ts'
export * from './faults.ts'
