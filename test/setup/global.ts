/** What all test files share: a real Postgres server, on which each makes databases of its own, and the packed package. */
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
  // In watch mode, what was packed before a change is of no use.
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
