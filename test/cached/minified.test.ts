import { build } from 'esbuild'
import { type CachedFunction, cached, InvalidOptionError, memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'

type Load = CachedFunction<void, [id: number], Promise<string>>
interface Bundle {
  readonly load: Load
  readonly name: string
}

/** A separate bundle, like that of each route of a program. */
async function minified(source: string, tools: object): Promise<Bundle> {
  const { outputFiles } = await build({
    stdin: { contents: source },
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    globalName: 'bundle',
  })
  return new Function('tools', `${outputFiles[0]?.text ?? ''}; return bundle`)(tools) as Bundle
}

const route = (name: string, answer: string) => `
  async function ${name}(id) { return '${answer} ' + id }
  export const load = tools.cached(${name}, { cache: tools.cache })
  export const name = ${name}.name`

describe('functions with equal minified names', () => {
  it('share no entry', async () => {
    const cache = memoryCache()
    const users = await minified(route('loadUser', 'user'), { cached, cache })
    const sures = await minified(route('loadUser', 'sure'), { cached, cache })
    // Minified names depend on letter frequencies. If these differed, the test would prove nothing.
    expect(users.name).toBe(sures.name)
    expect(users.name.length).toBeLessThanOrEqual(3)
    expect([await users.load(1), await sures.load(1)]).toEqual(['user 1', 'sure 1'])
    await users.load.invalidate(1)
    expect(await cache.has(sures.load.key(1))).toBe(true)
  })

  it('share an entry if they are the same function, in any process', async () => {
    const cache = memoryCache()
    const here = await minified(route('loadUser', 'user'), { cached, cache })
    const there = await minified(route('loadUser', 'user'), { cached, cache })
    await here.load(1)
    expect(await cache.has(there.load.key(1))).toBe(true)
  })

  it('share none as methods of classes whose names were minified', async () => {
    const cache = memoryCache()
    const of = (answer: string) => {
      class A {
        async find(id: number) {
          return `${answer} ${id}`
        }
      }
      const find = answer === 'user' ? async (id: number) => `user ${id}` : async (id: number) => `order ${id}`
      const context = { kind: 'method', name: 'find', private: false, static: false, addInitializer() {} }
      const method = cached({ cache })(find, context as never)
      Object.assign(A.prototype, { find: method })
      return (id: number) => new A().find(id)
    }
    expect([await of('user')(1), await of('order')(1)]).toEqual(['user 1', 'order 1'])
  })
})

it('a longer name is the start of the key, so that other programs can compute it', () => {
  expect(
    cached(
      async function loadUser(id: number) {
        return id
      },
      { cache: memoryCache() },
    ).key(1),
  ).toBe('loadUser(1)')
})

it('a bound function with a short name needs a key, because its text reveals nothing', () => {
  async function ab(id: number) {
    return id
  }
  const bound = ab.bind(undefined)
  expect(() => cached(bound, { cache: memoryCache() })).toThrow(InvalidOptionError)
  expect(cached(bound, { cache: memoryCache(), key: 'ab' }).key(1)).toBe('ab(1)')
})
