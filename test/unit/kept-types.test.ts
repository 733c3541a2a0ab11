import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** In a separate program, because its declarations apply to all of it. */
const PROGRAM = `import type { Cache, cached, DevalueTypes, Jsonified } from 'pgstash'
declare module 'pgstash' {
  interface KeptTypes {
    devalue: DevalueTypes
  }
}
interface User {
  at: Date
  roles: Set<string>
  seen: Map<string, Date>
  n?: bigint
  list: (string | undefined)[]
}
export async function users(cache: Cache, load: () => Promise<User>, wrap: typeof cached): Promise<User> {
  const user: User = await cache.getOrSet('user', load)
  const same: Jsonified<User> = user
  const find: () => Promise<User> = wrap(load)
  // @ts-expect-error devalue refuses functions
  const gone: () => void = await cache.getOrSet('f', () => ({ f: () => {} })).then(({ f }) => f)
  void [same, gone]
  return find()
}
`

it('KeptTypes makes getOrSet and cached return the types that the codec keeps', async () => {
  const folder = await mkdtemp(join(process.cwd(), 'test/.kept-'))
  try {
    await writeFile(join(folder, 'program.ts'), PROGRAM)
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: {
          paths: { pgstash: ['../../src/index.ts'], '#tcp': ['../../src/postgres/connections/tcp.ts'] },
        },
        include: ['program.ts'],
      }),
    )
    const compile = () => promisify(execFile)(join(process.cwd(), 'node_modules/.bin/tsc'), ['-p', folder])
    expect(await compile()).toMatchObject({ stdout: '' })
    await writeFile(join(folder, 'program.ts'), PROGRAM.replace('devalue: DevalueTypes', ''))
    await expect(compile()).rejects.toMatchObject({ stdout: expect.stringMatching(/not assignable to type 'User'/) })
  } finally {
    await rm(folder, { recursive: true })
  }
})
