import type { QueryRule } from '../http/index.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'

/**
 * Checks the `query` option, because a misspelled rule would put all parameters into the key, or none.
 *
 * @throws InvalidOptionError
 */
export function checkedQuery(value: unknown): QueryRule | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value))
    throw new InvalidOptionError('Expected query to be an object with allow, ignore or sort, got a list.')
  const rule = optionsObject<QueryRule>(value as QueryRule, ['allow', 'ignore', 'sort'])
  for (const [name, names] of Object.entries({ allow: rule.allow, ignore: rule.ignore })) {
    if (names !== undefined && !(Array.isArray(names) && names.every((each) => typeof each === 'string'))) {
      throw new InvalidOptionError(`Expected query.${name} to be a list of names, got ${describeType(names)}.`)
    }
  }
  return rule
}
