import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { asCached, type Cache, cached, memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { bin, ROOT } from '../package/packed.ts'

const cache = memoryCache()
let calls = 0

class Users {
  readonly own: Cache = memoryCache()
  constructor(readonly prefix = 'user') {}

  @cached({ cache, expiration: '1m' })
  async find(id: number) {
    calls++
    return `${this.prefix} ${id}`
  }

  @cached({ cache: (self: Users) => self.own, key: 'mine' })
  async mine(id: number) {
    return `${this.prefix} ${id}`
  }

  @cached({ cache, key: (id: number) => `by id ${id}` })
  async byId(id: number) {
    return id
  }

  @cached({ cache })
  static async count(kind: string) {
    calls++
    return `${kind} ${calls}`
  }

  @cached({ cache })
  async #hidden(id: number) {
    return `hidden ${id}`
  }
  hidden(id: number) {
    return this.#hidden(id)
  }
}

class Admins extends Users {
  override async find(id: number) {
    return `admin, not ${await super.find(id)}`
  }
}

class Guests extends Users {}

describe('a cached method', () => {
  it('keys its value by class, method and arguments, and keeps `this`', async () => {
    const users = new Users()
    calls = 0
    expect([await users.find(1), await users.find(1), await new Users().find(1)]).toEqual(Array(3).fill('user 1'))
    expect(calls).toBe(1)
    expect(await cache.get('Users.find(1)')).toBe('user 1')
    const { find } = users
    expect(await find(2)).toBe('user 2')
    expect(await users.byId(7)).toBe(7)
    expect(await cache.has('by id 7')).toBe(true)
    expect(await users.hidden(5)).toBe('hidden 5')
    expect(await cache.has('Users.#hidden(5)')).toBe(true)
  })

  it('has the members of a cached function', async () => {
    const users = new Users('person')
    const find = asCached(users.find)
    await users.find(10)
    expect(find.key(10)).toBe('Users.find(10)')
    expect(await find.uncached(11)).toBe('person 11')
    expect(await find.refresh(10)).toBe('person 10')
    expect([await find.invalidate(10), await cache.has('Users.find(10)')]).toEqual([true, false])
    expect(Object.keys(users)).toEqual(['prefix', 'own'])
  })

  it('can get the cache from its instance', async () => {
    const [one, other] = [new Users('one'), new Users('other')]
    expect([await one.mine(1), await other.mine(1)]).toEqual(['one 1', 'other 1'])
    expect(await asCached(one.mine).invalidate(1)).toBe(true)
    expect(await other.own.has('mine(1)')).toBe(true)
  })

  it('as a static method is keyed by the class that it is called on', async () => {
    const first = await Users.count('all')
    expect(await Users.count('all')).toBe(first)
    expect(await Guests.count('all')).not.toBe(first)
    expect(asCached(Users.count).key('all')).toBe('static Users.count("all")')
    expect(await asCached(Guests.count).invalidate.call(Guests, 'all')).toBe(true)
    expect(await Users.count('all')).toBe(first)
  })

  it('can be overridden and inherited', async () => {
    expect(await new Admins().find(20)).toBe('admin, not user 20')
    expect(await new Guests('guest').find(20)).toBe('guest 20')
    expect(await new Users().find(20)).toBe('user 20')
  })
})

describe('the decorator cached', () => {
  it('decorates only methods, and must be called', () => {
    const wrong = { code: 'INVALID_OPTION' }
    const field = { kind: 'field', name: 'x', addInitializer: () => {} } as unknown as ClassMethodDecoratorContext
    const method = { kind: 'method', name: Symbol('s'), addInitializer: () => {} } as unknown as typeof field
    expect(() => cached()(async () => 1, field as never)).toThrow(expect.objectContaining(wrong))
    expect(() => cached()(async () => 1, method as never)).toThrow(expect.objectContaining(wrong))
    expect(() => cached((async () => 1) as never, method as never)).toThrow(expect.objectContaining(wrong))
  })

  it('needs a key for a class without a name', async () => {
    const anonymous = (() =>
      class {
        @cached({ cache })
        async find() {
          return 1
        }
      })()
    Object.defineProperty(anonymous, 'name', { value: '' })
    await expect(new anonymous().find()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('compiles with TypeScript itself, without flags for decorators', async () => {
    const folder = await mkdtemp(join(ROOT, 'node_modules/.decorator-'))
    try {
      const source = await readFile(join(ROOT, 'test/cached/decorated.fixture.ts'), 'utf8')
      await writeFile(join(folder, 'decorated.ts'), source)
      const flags = ['--target', 'es2022', '--module', 'nodenext', '--strict', '--skipLibCheck', '--ignoreConfig']
      await promisify(execFile)(bin('tsc'), [...flags, '--types', 'node', join(folder, 'decorated.ts')])
      const compiled = (await import(/* @vite-ignore */ join(folder, 'decorated.js'))) as { decorate: Decorate }
      const Counter = compiled.decorate(cached as Parameters<Decorate>[0], cache)
      const counter = new Counter()
      expect([await counter.next(), await counter.next(), await Counter.all()]).toEqual([1, 1, 'all'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

type Decorate = typeof import('./decorated.fixture.ts')['decorate']
