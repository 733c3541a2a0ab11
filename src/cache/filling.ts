/** `getOrSet`, implemented by the fill engine. */
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { storedKey } from '../values/key.ts'
import { ignoreRejection } from '../values/promises.ts'
import type { OperationEngine } from './engine.ts'

export function getOrSet({ filler, scope }: OperationEngine): Cache['getOrSet'] {
  return (async (key: string, compute: unknown, options?: GetOrSetOptions) => {
    // A hit or an invalid argument ends the call before anybody awaits a promise that was passed as the value.
    ignoreRejection(compute)
    return (await filler.getOrSet(key, storedKey(scope, key), compute, options)).value
  }) as Cache['getOrSet']
}
