// test/global-setup.ts, named in vitest.config.ts as test.globalSetup
import { startLocalNeon } from 'pgstash/dev'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    neon: { endpoint: string; connectionString: string }
  }
}

export default async function setup(project: TestProject) {
  const { endpoint, connectionString, close } = await startLocalNeon()
  project.provide('neon', { endpoint, connectionString })
  return close
}
