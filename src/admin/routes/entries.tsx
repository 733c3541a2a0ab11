import type { Context } from 'hono'
import { browse } from '../../postgres/operations/browse.ts'
import { readPage } from '../../postgres/operations/looked-at.ts'
import { keyOfParameter, prefixOf, rangeOf } from '../area.ts'
import type { AdminEnv } from '../env.ts'
import { EntryTable, FilterForm, type Listed, More, None, Paging, STATES, type State } from '../pages/entries.tsx'
import { renderPage } from '../pages/layout.tsx'

/** With the longest keys and tags a page stays below 50 KB. */
const PAGE_SIZE = 20

/** Shows a page of entries: one statement, which moves no value and checks a bounded number of entries. */
export async function showEntries(c: Context<AdminEnv>) {
  const { engine, isReadOnly } = c.var.admin
  const { scope, store } = engine
  const prefix = prefixOf(c.req.query('prefix') ?? '')
  const state = stateOf(c.req.query('state'))
  const after = keyOfParameter(scope, c.req.query('after')) ?? ''
  // One more than shown tells whether there is a next page.
  const rows = await store.runner.run(browse[state], { ...rangeOf(scope, prefix), after, limit: PAGE_SIZE + 1 })
  const page = readPage(rows)
  const entries = page.found.slice(0, PAGE_SIZE).map(
    (row): Listed => ({
      ...row,
      tags: row.tags ?? [],
      updatedAt: row.updatedAt,
      now: row.now,
    }),
  )
  const next = page.found.length > PAGE_SIZE ? entries.at(-1)?.key : page.next
  const children = (
    <>
      <FilterForm prefix={prefix} state={state} />
      {entries.length > 0 && <EntryTable entries={entries} scope={scope} />}
      {next === page.next && next !== undefined ? (
        <More hasSome={entries.length > 0} />
      ) : (
        entries.length === 0 && <None isFiltered={prefix !== '' || state !== 'all' || after !== ''} />
      )}
      <Paging prefix={prefix} state={state} isLater={after !== ''} next={next} />
      {!isReadOnly && entries.length > 0 && (
        <p>
          <a href={`./remove?prefix=${encodeURIComponent(prefix)}`}>
            Delete all entries{prefix !== '' && ' with this prefix'}…
          </a>
        </p>
      )}
    </>
  )
  return renderPage(c, { heading: 'Entries', current: 'entries', children })
}

function stateOf(state: string | undefined): State {
  return state !== undefined && Object.hasOwn(STATES, state) ? (state as State) : 'all'
}
