/** Converts a build id to a name. Keys and tags get the same names as in the handlers for Next. */
import { hashText, isPlain } from '../next/names.ts'

/** Leaves room for the namespaces around the build. */
const MAX_BUILD_LENGTH = 64

/**
 * Returns the version of a build's namespace. Hashes a long id, because programs may choose build ids of any length.
 */
export function buildName(id: string): string {
  return isPlain(id) && id.length <= MAX_BUILD_LENGTH ? id : hashText(id)
}
