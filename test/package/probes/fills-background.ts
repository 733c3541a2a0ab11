/** The same where the runtime has a `waitUntil` that needs no context: one cache can use it for all requests. */
import { createWorker } from './fills.ts'

export default createWorker(await backgroundOf())

async function backgroundOf(): Promise<(work: Promise<unknown>) => void> {
  // Not resolved by a bundler, and unknown to the compiler here.
  const name = 'cloudflare:workers'
  return ((await import(name)) as { waitUntil(work: Promise<unknown>): void }).waitUntil
}
