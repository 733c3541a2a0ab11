/** The name of a build. Keys and tags have the names that the handlers of Next give them. */
import { hashText, isPlain } from '../next/names.ts'

/** Leaves room for namespaces around it. */
const MAX_BUILD_LENGTH = 64

/** The version of the namespace of a build. Programs may choose build ids of any length. */
export function buildName(id: string): string {
  return isPlain(id) && id.length <= MAX_BUILD_LENGTH ? id : hashText(id)
}
