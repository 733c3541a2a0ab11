/** The list of entries in key order, page by page. */
import type { EntryState } from '../../cache.ts'
import { MAX_LOOKED_AT } from '../../postgres/operations/looked-at.ts'
import type { Scope } from '../../values/key.ts'
import { shortName, visibleName, visibleStored } from '../../values/visible-name.ts'
import { keyParameter } from '../area.ts'
import { bytes, count, deadline, instant } from '../format.ts'
import { KeyLink } from './key-name.tsx'

export const STATES = {
  all: 'All',
  live: 'Live',
  expired: 'Expired or invalidated',
  forever: 'Never expire',
} as const

export type State = keyof typeof STATES

export interface Listed {
  readonly key: string
  readonly state: EntryState
  readonly expiresAt: number | null
  readonly tags: readonly string[]
  readonly tagCount: number
  readonly bytes: number
  readonly updatedAt: number
  readonly isResponse: boolean
  readonly now: number
}

export interface Filter {
  readonly prefix: string
  readonly state: State
}

const TAG_CHARACTERS = 20

export const FilterForm = ({ prefix, state }: Filter) => (
  <form method="get" action="./entries" class="card">
    <label>
      Key prefix
      <br />
      <input class="long name" name="prefix" value={visibleStored(prefix)} autocomplete="off" spellcheck={false} />
    </label>
    <label>
      State
      <br />
      <select name="state">
        {Object.entries(STATES).map(([value, label]) => (
          <option value={value} selected={value === state}>
            {label}
          </option>
        ))}
      </select>
    </label>
    <button type="submit">Filter</button>
    <p class="soft">Start with the namespace and a bar, if the key has one: “shop|user:”.</p>
  </form>
)

export const EntryTable = ({ entries, scope }: { entries: readonly Listed[]; scope: Scope }) => (
  <div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">State</th>
          <th scope="col" class="n">
            Expires
          </th>
          <th scope="col" class="n">
            Size
          </th>
          <th scope="col">Tags</th>
          <th scope="col" class="n">
            Updated
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <EntryRow {...entry} scope={scope} />
        ))}
      </tbody>
    </table>
  </div>
)

const EntryRow = ({
  scope,
  key,
  state,
  expiresAt,
  updatedAt,
  now,
  isResponse,
  ...entry
}: Listed & { scope: Scope }) => (
  <tr>
    <th scope="row" class="name">
      <KeyLink scope={scope} stored={key} />
      {isResponse && <span class="tag">response</span>}
    </th>
    <td>
      <span class={state === 'live' ? 'on' : 'off'}>{state}</span>
    </td>
    <td class="n">{state === 'invalidated' ? '–' : deadline(expiresAt, now)}</td>
    <td class="n">{bytes(entry.bytes)}</td>
    <td>
      {entry.tags.map((tag) => (
        <span class="tag">{shortName(visibleName(tag), TAG_CHARACTERS, tag)}</span>
      ))}
      {entry.tagCount > entry.tags.length && (
        <span class="soft">and {count(entry.tagCount - entry.tags.length)} more</span>
      )}
    </td>
    <td class="n">{instant(updatedAt)}</td>
  </tr>
)

export const None = ({ isFiltered }: { isFiltered: boolean }) => (
  <p>
    {isFiltered
      ? 'No entries match. Change the prefix or the state.'
      : 'There are no entries. set and getOrSet add them.'}
  </p>
)

/** The page ended because it had checked many entries, not because it was full. */
export const More = ({ hasSome }: { hasSome: boolean }) => (
  <p>
    This page checked {count(MAX_LOOKED_AT)} entries and found no {hasSome && 'further '}matches. The next page checks
    more entries.
  </p>
)

export interface PagingProps extends Filter {
  /** True for every page but the first. */
  readonly isLater: boolean
  /** The last key that this page checked, if there is another page. */
  readonly next: string | undefined
}

export const Paging = ({ prefix, state, isLater, next }: PagingProps) => {
  if (!isLater && next === undefined) return null
  const query = `prefix=${encodeURIComponent(prefix)}&state=${state}`
  return (
    <nav class="row" aria-label="More entries">
      {isLater && <a href={`./entries?${query}`}>First page</a>}
      {next !== undefined && (
        <a href={`./entries?${query}&after=${keyParameter(next)}`} rel="next">
          Next page
        </a>
      )}
    </nav>
  )
}
