/**
 * Parses structured fields (RFC 8941). A field that does not parse counts as absent (4.2): the result is undefined.
 * Nothing throws.
 *
 * No public declaration may import this file. The declarations of `structured-headers` need the DOM's types, which a
 * Node program may lack.
 */
import { type Dictionary, type List, parseDictionary, parseList } from 'structured-headers'

export function structuredList(value: string | null): List | undefined {
  return value === null ? undefined : attempt(parseList, value)
}

export function structuredDictionary(value: string | null): Dictionary | undefined {
  return value === null ? undefined : attempt(parseDictionary, value)
}

/** Returns the members of a list that are strings. Ignores members of other types, and all parameters. */
export function structuredStrings(value: string | null): string[] {
  const members = structuredList(value)?.map(([member]) => member) ?? []
  return members.filter((member) => typeof member === 'string')
}

function attempt<T>(parse: (value: string) => T, value: string): T | undefined {
  try {
    return parse(value)
  } catch {
    return undefined
  }
}
