/** `pgstash/testing`: the contracts that every store must pass, and fault injection for a local Neon. */
export * from './contract/index.ts'
export * from './faults.ts'
export * from './store-contract/index.ts'
