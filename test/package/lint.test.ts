import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, expect, it } from 'vitest'
import { bin, entryPoints, type Packed, pack, ROOT, run, unpack } from './packed.ts'

let packed: Packed

beforeAll(async () => {
  packed = await pack()
})

it('has nothing that publint would change, suggestions included', async () => {
  const pkgDir = await unpack(packed)
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

it('has types that resolve as its code does, by "Are the types wrong?", for ESM', async () => {
  const { code, stdout } = await run(bin('attw'), [packed.tarball, '--profile', 'esm-only', '--format', 'json'], ROOT)
  const { analysis } = JSON.parse(stdout) as { analysis: { problems: { kind: string }[]; entrypoints: object } }
  expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(await entryPoints()))
  // That require() finds a module is how ESM-only packages are, and the one thing that the profile leaves out.
  expect(analysis.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM' && kind !== 'NoResolution')).toEqual([])
  expect(code).toBe(0)
})

it('would hear of a file that is missing', async () => {
  const pkgDir = await unpack(packed)
  await rm(join(pkgDir, 'dist/schema/index.d.ts'))
  const { messages } = await publint({ pkgDir, pack: false, strict: true })
  expect(messages.map(({ code }) => code)).toContain('FILE_DOES_NOT_EXIST')
})
