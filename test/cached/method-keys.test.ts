/** Two methods never share an entry, even if their classes have equal names. */
import { asCached, type Cache, cached, memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'

const cache = memoryCache()
const keys = async () => (await cache.list({ limit: 1000 })).entries.map(({ key }) => key)
const refused = { code: 'INVALID_OPTION', message: expect.stringContaining('option key') }

type Method = (this: never, ...args: never[]) => Promise<unknown>
/** A decorator that wraps the method without a trace, like those for logs and retries. */
const wrapping = <M extends Method>(method: M): M =>
  function (this: never, ...args: never[]) {
    return method.apply(this, args)
  } as M

describe('a cached method and the one that it overrides', () => {
  class Base {
    @cached({ cache })
    async load(id: number): Promise<string> {
      return `base ${id}`
    }
    @cached({ cache })
    async name(): Promise<string> {
      return this.constructor.name
    }
    @cached({ cache })
    static async all(): Promise<string> {
      return 'all of base'
    }
  }
  class Middle extends Base {
    @cached({ cache })
    override async load(id: number): Promise<string> {
      return `middle of ${await super.load(id)}`
    }
    @cached({ cache })
    static override async all(): Promise<string> {
      // biome-ignore lint/complexity/noThisInStatic: `super` keeps the class of the call
      return `middle of ${await super.all()}`
    }
  }
  class Leaf extends Middle {
    @cached({ cache })
    override async load(id: number): Promise<string> {
      return `leaf of ${await super.load(id)}`
    }
  }

  it('have separate keys, in any order of calls', async () => {
    for (let i = 0; i < 2; i++) {
      expect(await new Leaf().load(1)).toBe('leaf of middle of base 1')
      expect(await new Middle().load(1)).toBe('middle of base 1')
      expect(await new Base().load(1)).toBe('base 1')
      expect(await Middle.all()).toBe('middle of all of base')
      expect(await Base.all()).toBe('all of base')
    }
    expect(await keys()).toEqual(
      expect.arrayContaining([
        ...['Base.load(1)', 'Middle.load(1)', 'Middle extends Base.load(1)'],
        ...['Leaf.load(1)', 'Leaf extends Middle.load(1)', 'Leaf extends Base.load(1)'],
        ...['static Base.all()', 'static Middle.all()', 'static Middle extends Base.all()'],
      ]),
    )
  })

  it('stay separate if the subclass only inherits', async () => {
    expect(await new Base().name()).toBe('Base')
    expect(await new Leaf().name()).toBe('Leaf')
    expect(asCached(new Leaf().name).key()).toBe('Leaf extends Base.name()')
    expect(await asCached(new Leaf().name).invalidate()).toBe(true)
    expect(await cache.has('Base.name()')).toBe(true)
  })

  it('stay separate on an object that no constructor created', async () => {
    const leaf = Object.create(Leaf.prototype) as Leaf
    expect(await leaf.load(2)).toBe('leaf of middle of base 2')
  })
})

it('a static and an instance method of one name have separate keys', async () => {
  class Both {
    @cached({ cache })
    async find() {
      return 'of an instance'
    }
    @cached({ cache })
    static async find() {
      return 'of the class'
    }
    @cached({ cache })
    static async '#find'() {
      return 'public'
    }
    @cached({ cache })
    static async #find() {
      return 'private'
    }
    static privately() {
      return Both.#find()
    }
  }
  const both = new Both()
  for (let i = 0; i < 2; i++) expect([await both.find(), await Both.find()]).toEqual(['of an instance', 'of the class'])
  expect(await Both['#find']()).toBe('public')
  expect(await Both.privately()).toBe('private')
})

describe('a method whose class cannot be found', () => {
  it('is refused if its object has two private methods of that name', async () => {
    class Parent {
      @cached({ cache })
      async #secret() {
        return 'of the parent'
      }
      parents() {
        return this.#secret()
      }
    }
    class Child extends Parent {
      @cached({ cache })
      async #secret() {
        return 'of the child'
      }
      childs() {
        return this.#secret()
      }
    }
    expect(await new Parent().parents()).toBe('of the parent')
    await expect(new Child().parents()).rejects.toMatchObject(refused)
    await expect(new Child().childs()).rejects.toMatchObject(refused)
    class Other extends Parent {}
    expect(await new Other().parents()).toBe('of the parent')
  })

  it('is found by the class of its object if another decorator wraps it, unless there are two', async () => {
    class Logged {
      @wrapping
      @cached({ cache })
      async load(): Promise<string> {
        return 'logged'
      }
    }
    class Plain extends Logged {
      override async load() {
        return `plain ${await super.load()}`
      }
    }
    class Twice extends Logged {
      @cached({ cache })
      override async load() {
        return `twice ${await super.load()}`
      }
    }
    for (let i = 0; i < 2; i++) {
      expect(await new Logged().load()).toBe('logged')
      expect(await new Plain().load()).toBe('plain logged')
    }
    await expect(new Twice().load()).rejects.toMatchObject(refused)
  })

  it('is refused on an object of another class, which may have a method of the same name', async () => {
    class Users {
      @cached({ cache })
      async find() {
        return 'user'
      }
    }
    class Orders {
      @cached({ cache })
      async find() {
        return 'order'
      }
    }
    class Neither {}
    const { find } = Users.prototype
    await expect(find.call(new Orders() as unknown as Users)).rejects.toMatchObject(refused)
    await expect(find.call(new Neither() as Users)).rejects.toMatchObject(refused)
    await expect(find.call(undefined as unknown as Users)).rejects.toMatchObject(refused)
    await expect(find.call(Object.create(null))).rejects.toMatchObject(refused)
    expect(await new Orders().find()).toBe('order')
  })
})

describe('an invented name is refused like a missing one', () => {
  const symbol = Symbol('named')
  const functions: Record<string, (...args: never[]) => unknown> = {
    none: (
      () => () =>
        1
    )(),
    bound: function find() {}.bind(null),
    'bound twice': function find() {}.bind(null).bind(null),
    'without a name to bind': (
      () => () =>
        1
    )().bind(null),
    default: Object.defineProperty(() => 1, 'name', { value: 'default' }),
    default_1: function default_1() {},
    _default: function _default() {},
    constructed: new Function('return 1') as () => unknown,
    'of a symbol': { [symbol]: () => 1 }[symbol] as () => unknown,
    'of a getter': Object.getOwnPropertyDescriptor(
      class {
        get value() {
          return 1
        }
      }.prototype,
      'value',
    )?.get as () => unknown,
    'no text': Object.defineProperty(() => 1, 'name', { value: () => 'source' }),
  }
  it.each(Object.entries(functions))('for a function (%s)', (_name, fn) => {
    expect(() => cached(fn, { cache })).toThrow(expect.objectContaining(refused))
    expect(cached(fn, { cache, key: 'own' }).key()).toBe('own()')
  })

  it.each([
    ['no name', ''],
    ['default', 'default'],
    ['default_1', 'default_1'],
    ['class_1', 'class_1'],
    ['_class', '_class'],
    ['a method', () => 'source'],
    ['two words', 'static Users'],
    ['a dot', 'A.b'],
  ])('for a class (%s)', async (_name, name) => {
    class Model {
      @cached({ cache })
      async find() {
        return 1
      }
      @cached({ cache })
      static async all() {
        return 1
      }
    }
    Object.defineProperty(Model, 'name', { value: name })
    await expect(new Model().find()).rejects.toMatchObject(refused)
    await expect(Model.all()).rejects.toMatchObject(refused)
  })
})

describe('classes with equal minified names', () => {
  it('share no entry, even if the text of their methods is equal', async () => {
    const own: Cache = memoryCache()
    const make = (answer: string) => {
      class Ab {
        @cached({ cache: own })
        async find() {
          return this.answer()
        }
        answer() {
          return ''
        }
      }
      return answer === 'user'
        ? new (class Cd extends Ab {
            override answer() {
              return 'user'
            }
          })()
        : new (class Cd extends Ab {
            override answer() {
              return 'order'
            }
          })()
    }
    expect([await make('user').find(), await make('order').find()]).toEqual(['user', 'order'])
  })
})
