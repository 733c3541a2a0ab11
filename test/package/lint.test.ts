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

it('passes publint without errors, warnings or suggestions', async () => {
  const pkgDir = await unpack(packed)
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

it('passes "Are the types wrong?" for ESM', async () => {
  const { code, stdout } = await run(bin('attw'), [packed.tarball, '--profile', 'esm-only', '--format', 'json'], ROOT)
  const { analysis } = JSON.parse(stdout) as { analysis: { problems: { kind: string }[]; entrypoints: object } }
  expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(await entryPoints()))
  // In an ESM-only package, require() finds an ES module. The profile ignores only that.
  expect(analysis.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM' && kind !== 'NoResolution')).toEqual([])
  expect(code).toBe(0)
})

it('reports a missing file', async () => {
  const pkgDir = await unpack(packed)
  await rm(join(pkgDir, 'dist/schema/index.d.ts'))
  const { messages } = await publint({ pkgDir, pack: false, strict: true })
  expect(messages.map(({ code }) => code)).toContain('FILE_DOES_NOT_EXIST')
})
