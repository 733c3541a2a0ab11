/** One real Postgres server for all test files; each makes databases of its own on it. */
import type { TestProject } from 'vitest/node'
import { startServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection URL, to a database that exists. */
    databaseUrl: string
  }
}

export default async function setup(project: TestProject) {
  const given = process.env.TEST_DATABASE_URL
  if (given) {
    project.provide('databaseUrl', given)
    return
  }
  const server = await startServer()
  project.provide('databaseUrl', server.url)
  return server.stop
}
