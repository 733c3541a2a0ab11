/** Old names of exports and options. They keep working for one version. No other file uses them. */

import { type PurgeStatementsOptions, purgeStatements } from '../response-cache/purge.ts'
import { InvalidOptionError } from '../values/errors.ts'
import type { Expiration } from '../values/expiration.ts'

/**
 * The old name of {@link purgeStatements}, which works for one more version.
 *
 * @deprecated Use {@link purgeStatements}.
 */
export const purging = purgeStatements

/**
 * The old name of {@link PurgeStatementsOptions}, which works for one more version.
 *
 * @deprecated Use {@link PurgeStatementsOptions}.
 */
export type PurgingOptions = PurgeStatementsOptions

/** The old names of `responseCache`'s options. */
export interface DeprecatedOptions {
  /**
   * The old name of `cacheStatus`, which works for one more version. Setting both throws an InvalidOptionError.
   *
   * @deprecated Use `cacheStatus`.
   */
  statusHeader?: string | false | undefined
  /**
   * The old name of `keepForRevalidation`, which works for one more version. Setting both throws an InvalidOptionError.
   *
   * @deprecated Use `keepForRevalidation`.
   */
  keepValidatable?: Expiration | false | undefined
  /**
   * The old name of `allowStaleWithSMaxAge`, which works for one more version. Setting both throws an
   * InvalidOptionError.
   *
   * @deprecated Use `allowStaleWithSMaxAge`.
   */
  staleDespiteSMaxAge?: boolean | undefined
  /**
   * The old name of `storeSetCookie`, which works for one more version. Setting both throws an InvalidOptionError.
   *
   * @deprecated Use `storeSetCookie`.
   */
  setCookie?: boolean | undefined
  /**
   * The old name of `targetedFields`, which works for one more version. Setting both throws an InvalidOptionError.
   *
   * @deprecated Use `targetedFields`.
   */
  targeted?: readonly string[] | undefined
}

const NEW_NAMES: Readonly<Record<keyof DeprecatedOptions, string>> = {
  statusHeader: 'cacheStatus',
  keepValidatable: 'keepForRevalidation',
  staleDespiteSMaxAge: 'allowStaleWithSMaxAge',
  setCookie: 'storeSetCookie',
  targeted: 'targetedFields',
}

/**
 * Returns the options with only their new names, so that no other code needs the old ones, and no error message lists
 * them. Anything that is not an options object is returned unchanged, because a later check refuses it.
 *
 * @throws InvalidOptionError if an option has both names, because it is unclear which value is meant
 */
export function renameOptions<T extends DeprecatedOptions>(options: T): T {
  if (typeof options !== 'object' || options === null) return options
  const used = Object.entries(NEW_NAMES).filter(([oldName]) => oldName in options)
  if (used.length === 0) return options
  const renamed = { ...options }
  for (const [oldName, newName] of used) {
    const value: unknown = Reflect.get(options, oldName)
    Reflect.deleteProperty(renamed, oldName)
    if (value === undefined) continue
    if (Reflect.get(renamed, newName) !== undefined) {
      throw new InvalidOptionError(`Expected only ${newName}, got its old name ${oldName} too. Remove ${oldName}.`)
    }
    Reflect.set(renamed, newName, value)
  }
  return renamed
}
