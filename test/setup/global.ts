/** Starts the real Postgres server that all test files share. Each creates its own databases. They also share the packed package. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection URL, to a database that exists. */
    databaseUrl: string
    /** Empty until a test needs the package. */
    packedFolder: string
  }
}

export default async function setup(project: TestProject) {
  const packedFolder = await mkdtemp(join(tmpdir(), 'pgstash-packed-'))
  const empty = () => rm(packedFolder, { recursive: true, force: true })
  project.provide('packedFolder', packedFolder)
  // In watch mode, a change makes the packed package stale.
  project.onTestsRerun(async () => {
    await empty()
    await mkdir(packedFolder)
  })
  const given = process.env.TEST_DATABASE_URL
  const server = given ? undefined : await startServer([], process.env.TEST_POSTGRES_BIN)
  project.provide('databaseUrl', given || (server?.url ?? ''))
  return async () => {
    await server?.stop()
    await empty()
  }
}
