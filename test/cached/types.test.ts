import { type Cache, type CachedFunction, cached, nullCache } from 'pgstash'
import { expect, it } from 'vitest'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}
const cache = nullCache()

it('the types are those of the function, whatever the options say about its arguments', async () => {
  const find = (id: number, precise?: boolean) => Promise.resolve({ id, precise })
  type Expected = CachedFunction<unknown, [id: number, precise?: boolean], ReturnType<typeof find>>
  const plain = cached(find)
  const few = cached(find, { cache, key: (id) => `${id}`, tags: (id) => [`${id}`] })
  const annotated = cached(find, { cache, key: (id: number) => `${id}` })
  const all = cached(find, { cache, key: (id: number, precise?: boolean) => `${id}${precise}`, tags: ['a'] })
  same<typeof plain, Expected>(true)
  same<typeof few, Expected>(true)
  same<typeof annotated, Expected>(true)
  same<typeof all, Expected>(true)
  // @ts-expect-error the function has no such argument
  cached(find, { key: (id: string) => id })
  const own = cached(
    function (this: { cache: Cache }, n: number) {
      return n
    },
    { key: 'own', cache: (self: { cache: Cache }) => self.cache },
  )
  same<typeof own, CachedFunction<{ cache: Cache }, [n: number], number>>(true)
  // @ts-expect-error it needs its object
  await expect(own(1)).rejects.toThrow(TypeError)
})
