import { access, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { LayoutError, layOut } from './node-modules.ts'
import { install, manifest, pack, temporaryFolder, writeIn } from './packed.ts'

let project: string
let folder: string

beforeEach(async () => {
  project = await temporaryFolder()
  folder = await temporaryFolder()
})

describe('a folder laid out from packages of a project', () => {
  it('has the dependencies of dependencies, and no development dependency or optional peer', async () => {
    await add('node_modules/app', {
      dependencies: { direct: '^1.0.0' },
      devDependencies: { development: '^1.0.0' },
      peerDependencies: { optional: '*' },
      peerDependenciesMeta: { optional: { optional: true } },
    })
    await add('node_modules/direct', { dependencies: { indirect: '1.x' }, optionalDependencies: { absent: '*' } })
    for (const name of ['indirect', 'development', 'optional']) await add(`node_modules/${name}`)
    await layOut(folder, { app: join(project, 'node_modules/app') }, project)
    expect(await readdir(join(folder, 'node_modules'))).toEqual(['app', 'direct', 'indirect'])
  })

  it('has both versions of a package that two others need', async () => {
    await add('node_modules/app', { dependencies: { direct: '*', shared: '^1.0.0' } })
    await add('node_modules/shared')
    await add('node_modules/direct', { dependencies: { shared: '^2.0.0' } })
    await add('node_modules/direct/node_modules/shared', { version: '2.0.0' })
    await layOut(folder, { app: join(project, 'node_modules/app') }, project)
    expect(await versionSeenFrom('app', 'shared')).toBe('1.0.0')
    expect(await versionSeenFrom('direct', 'shared')).toBe('2.0.0')
  })

  it('has executable commands', async () => {
    await add('node_modules/@scope/app', { bin: 'run.js' })
    await writeIn(project, 'node_modules/@scope/app/run.js', '')
    await layOut(folder, { '@scope/app': join(project, 'node_modules/@scope/app') }, project)
    expect((await stat(join(folder, 'node_modules/.bin/app'))).mode & 0o111).toBe(0o111)
  })

  it.each([
    ['a dependency that is not installed', { dependencies: { gone: '*' } }, 'app depends on gone'],
    ['another version than declared', { dependencies: { other: '^2.0.0' } }, 'app needs other@^2.0.0, but 1.0.0'],
    ['a required peer that was not asked for', { peerDependencies: { other: '*' } }, 'app needs the peer other'],
  ])('is refused for %s', async (_name, fields, message) => {
    await add('node_modules/app', fields)
    await add('node_modules/other')
    const laidOut = layOut(folder, { app: join(project, 'node_modules/app') }, project)
    await expect(laidOut).rejects.toThrow(message)
  })

  it('is refused for a peer of the wrong version', async () => {
    await add('node_modules/app', { peerDependencies: { other: '^2.0.0' } })
    await add('node_modules/other')
    const packages = { app: join(project, 'node_modules/app'), other: join(project, 'node_modules/other') }
    await expect(layOut(folder, packages, project)).rejects.toThrow('app needs other@^2.0.0, but 1.0.0')
  })

  it('is refused below a folder whose packages it would find', async () => {
    await add('node_modules/app')
    await mkdir(join(folder, 'node_modules'))
    const below = join(folder, 'below')
    await expect(layOut(below, { app: join(project, 'node_modules/app') }, project)).rejects.toThrow(LayoutError)
  })
})

it('installs the package with what it declares and drizzle-orm', async () => {
  const installed = await install(await pack())
  const names = (await readdir(join(installed, 'node_modules'), { recursive: true }))
    .filter((path) => /^(?:@[^/]+\/)?[^@/]+\/package\.json$/.test(path))
    .map((path) => path.replace('/package.json', ''))
  const { dependencies } = await manifest()
  expect(names).toEqual(expect.arrayContaining(['pgstash', 'drizzle-orm', ...Object.keys(dependencies)]))
  for (const peer of ['hono', 'pg', '@neondatabase/serverless', '@electric-sql/pglite', '@opentelemetry/api']) {
    expect(names).not.toContain(peer)
  }
  await access(join(installed, 'node_modules/pgstash/dist/index.js'))
}, 600_000)

function add(path: string, fields: object = {}): Promise<void> {
  return writeIn(project, join(path, 'package.json'), JSON.stringify({ version: '1.0.0', ...fields }))
}

async function versionSeenFrom(dependant: string, name: string): Promise<string> {
  const { resolve } = createRequire(join(folder, 'node_modules', dependant, 'index.js'))
  return JSON.parse(await readFile(resolve(`${name}/package.json`), 'utf8')).version
}
