/** Explains why a key is a miss, and what to try. */
import type { ListedEntry } from '../cache.ts'
import { ROOT, readableKey, storedKey } from '../values/key.ts'
import { visibleName } from '../values/visible-name.ts'
import { omitUndefined, type Place } from './cache-options.ts'
import { shellWord } from './formats.ts'
import { note } from './output.ts'
import { readState } from './statements/read-state.ts'

/** Lists at most this many variants of a URL. */
const LISTED = 20
/** The key of a stored response is its method and URL. */
const RESPONSE = /^(?:GET )?https?:/

/** Prints in a line or two why the key is a miss. */
export async function noteMiss({ runner, scope }: Place, key: string): Promise<void> {
  const [state] = await runner.run(readState, { key: storedKey(scope, key) })
  const hint = state === undefined ? hintOn(key, scope.names.length > 0) : undefined
  note([state === undefined ? 'No live entry has this key.' : reasonOf(state), hint].filter(Boolean).join('\n'))
}

interface State {
  readonly expiresAt: number | null
  readonly keptUntil: number | null
  readonly isKept: boolean
  readonly isInvalidated: boolean
}

function reasonOf({ expiresAt, keptUntil, isKept, isInvalidated }: State): string {
  if (isInvalidated) return 'No live entry has this key: one of its tags was invalidated.'
  if (expiresAt === null) return 'No live entry has this key.'
  if (expiresAt <= 0) return 'No live entry has this key: its deadline had already passed when it was set.'
  const expired = `No live entry has this key: it expired at ${iso(expiresAt)}`
  if (!isKept) return `${expired}, and waits for cleanup.`
  return `${expired}. It may be served stale ${keptUntil === null ? 'without limit' : `until ${iso(keptUntil)}`}.`
}

const iso = (epochMs: number) => new Date(epochMs).toISOString()

function hintOn(key: string, hasNamespace: boolean): string | undefined {
  const { namespace, key: rest } = readableKey(ROOT, key)
  if (namespace.length > 0) {
    const options = namespace.map((name) => `--namespace ${shellWord(visibleName(name))}`)
    return `For a key in a namespace, use: ${[...options, shellWord(visibleName(rest))].join(' ')}`
  }
  if (!RESPONSE.test(key)) return undefined
  if (!key.startsWith('GET ')) return "The key of a stored response begins with GET: 'GET https://…'."
  return hasNamespace
    ? undefined
    : 'Stored responses are in a namespace: --namespace http, or the name that your code uses.'
}

/**
 * Lists the variants of a URL whose responses vary. The URL's own row holds only the names of the fields. Returns false
 * if there are no variants.
 */
export async function noteVariants({ cache }: Place, key: string): Promise<boolean> {
  if (!/^GET https?:/.test(key)) return false
  const entries: ListedEntry[] = []
  let cursor: string | undefined
  do {
    const page = await cache.list({ prefix: `${key} `, limit: LISTED, ...omitUndefined({ cursor }) })
    entries.push(...page.entries)
    cursor = page.cursor
  } while (cursor !== undefined && entries.length < LISTED)
  if (entries.length === 0) return false
  const more = cursor === undefined ? '' : '\n…'
  note(
    `The responses of this URL vary. Print one by its key:\n${entries.map((each) => visibleName(each.key)).join('\n')}${more}`,
  )
  return true
}
