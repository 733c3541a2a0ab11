// test/global-setup.ts, named in vitest.config.ts as test.globalSetup
import { startLocalNeon } from 'pgstash/dev'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

export default async function setup(project: TestProject) {
  const { connectionString, close } = await startLocalNeon()
  project.provide('databaseUrl', connectionString)
  return close
}
