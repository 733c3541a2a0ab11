/** The lowest and the highest version of every peer run the contract, as a program that installed them would have it. */
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { minVersion, satisfies } from 'semver'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { layOut } from './node-modules.ts'
import { bin, linkPackages, manifest, pack, ROOT, run, temporaryFolder, unpack, writeIn } from './packed.ts'

/** Names of peers, with the packages of this repository's `node_modules` that hold the versions. */
type Versions = Readonly<Record<string, string>>

const LOWEST: Versions = {
  '@electric-sql/pglite': 'lowest-pglite',
  '@neondatabase/serverless': 'lowest-neon',
  '@opentelemetry/api': 'lowest-opentelemetry-api',
  'drizzle-orm': 'lowest-drizzle-orm',
  hono: 'lowest-hono',
  pg: 'lowest-pg',
}
const HIGHEST: Versions = {
  '@electric-sql/pglite': '@electric-sql/pglite',
  '@neondatabase/serverless': '@neondatabase/serverless',
  '@opentelemetry/api': 'highest-opentelemetry-api',
  'drizzle-orm': 'drizzle-orm-1',
  hono: 'hono',
  pg: 'pg',
}
const TIMEOUT_MS = 1_800_000

it('tries every peer', async () => {
  const peers = Object.keys((await manifest()).peerDependencies).sort()
  expect(Object.keys(LOWEST).sort()).toEqual(peers)
  expect(Object.keys(HIGHEST).sort()).toEqual(peers)
})

it.each(Object.entries(LOWEST))('tries the very lowest version of %s', async (peer, installed) => {
  const range = (await manifest()).peerDependencies[peer] ?? ''
  expect(await versionOf(installed)).toBe(minVersion(range)?.version)
})

it.each(Object.entries(HIGHEST))('allows the highest version of %s', async (peer, installed) => {
  const range = (await manifest()).peerDependencies[peer] ?? ''
  expect(satisfies(await versionOf(installed), range)).toBe(true)
})

describe.each(Object.entries({ lowest: LOWEST, highest: HIGHEST }))('the %s versions', (_name, versions) => {
  it(
    'pass the contract on every driver, and work with Hono and OpenTelemetry',
    async () => {
      const project = await installPeers(versions)
      const report = join(project, 'report.json')
      const env = { SERVER_1: await createDatabase(), SERVER_2: await createDatabase() }
      const args = ['run', '--root', project, '--reporter=json', `--outputFile=${report}`, '--maxWorkers=1']
      const { stderr } = await run(bin('vitest'), args, project, env)
      const text = await readFile(report, 'utf8').catch(() => stderr)
      const { testResults } = JSON.parse(text) as { testResults: { assertionResults: Case[]; message: string }[] }
      expect(testResults.map(({ message }) => message).join('')).toBe('')
      const cases = testResults.flatMap(({ assertionResults }) => assertionResults)
      expect(cases.filter(({ status }) => status !== 'passed')).toEqual([])
      expect(cases.length).toBeGreaterThan(4 * 150)
    },
    TIMEOUT_MS,
  )
})

interface Case {
  readonly fullName: string
  readonly status: string
}

/** A folder with the packed package and these versions. Refuses versions outside of the ranges, as npm does. */
async function installPeers(versions: Versions): Promise<string> {
  const folder = await temporaryFolder()
  await writeIn(folder, 'package.json', JSON.stringify({ private: true, type: 'module' }))
  const peers = Object.entries(versions).map(([name, installed]) => [name, join(ROOT, 'node_modules', installed)])
  await layOut(folder, { ...Object.fromEntries(peers), pgstash: await unpack(await pack()) }, ROOT)
  await linkPackages(folder, ['vitest'])
  for (const file of ['peers.test.ts', 'postgres-store.ts', 'lazily.ts']) {
    const source = file === 'peers.test.ts' ? 'test/package/consumer-peers/contract.ts' : `test/setup/${file}`
    await cp(join(ROOT, source), join(folder, file))
  }
  return folder
}

async function versionOf(installed: string): Promise<string> {
  return JSON.parse(await readFile(join(ROOT, 'node_modules', installed, 'package.json'), 'utf8')).version
}
