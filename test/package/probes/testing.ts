/** `pgstash/testing`: faults are planned and counted where there is no Node, and the contracts can be defined. */
import { cacheContract, createFaults, storeContract } from 'pgstash/testing'
import type { Probe } from './probe.ts'

export const run: Probe = async () => {
  const faults = createFaults()
  faults.next({ kind: 'reset' })
  const request = { sql: ['select 1'], bytes: 8, signal: new AbortController().signal }
  const kinds = [faults.onRequest(request)?.kind, faults.onRequest(request)?.kind ?? 'none']
  faults.onResponse({ request, bytes: 3, status: 200, durationMs: 1 })
  let tests = 0
  const runner = {
    describe: (_name: string, define: () => void) => define(),
    it: () => {
      tests++
    },
    expect: () => {
      throw new Error('Expected no test to run.')
    },
  }
  const store = {
    create: () => {
      throw new Error('Expected no test to run.')
    },
    reset: async () => {},
    advance: async () => {},
  }
  cacheContract(runner, store)
  storeContract(runner, store)
  return { kinds, requests: faults.requests, bytesOut: faults.bytesOut, tests: tests > 50 }
}

export const expected = { kinds: ['reset', 'none'], requests: 2, bytesOut: 3, tests: true }
