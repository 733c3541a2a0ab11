/** The overview: what is there, as plots. */

import { MAX_LOG_ROWS } from '../../postgres/operations/summarize.ts'
import type { Scope } from '../../values/key.ts'
import { readableKey } from '../../values/key.ts'
import { shortName, visibleName } from '../../values/visible-name.ts'
import { bytes, count, percent, span } from '../format.ts'
import { type History, hitRate } from '../history-view.ts'
import { Bars } from '../plots/bars.tsx'
import { Columns } from '../plots/columns.tsx'
import type { Summary } from '../summary.ts'
import { KeyLink } from './key-name.tsx'

const NAME_CHARACTERS = 36

export const Tiles = ({ summary, history }: { summary: Summary; history: History | undefined }) => {
  const about = summary.isEstimate ? '≈ ' : ''
  const rate = history && hitRate(history.totals)
  const meanMs = history && history.totals.fills > 0 ? history.totals.fillMs / history.totals.fills : undefined
  return (
    <dl class="tiles">
      <Tile
        name="Live entries"
        value={about + count(summary.live)}
        note={`${about}${count(summary.forever)} never expire`}
      />
      <Tile
        name="Waiting for cleanup"
        value={about + count(summary.total - summary.live)}
        note="expired, or dropped by a tag"
      />
      <Tile name="Keys and values" value={about + bytes(summary.bytes)} note="as stored, compressed" />
      <Tile
        name="Tags invalidated"
        value={summary.logRows === MAX_LOG_ROWS ? `${count(MAX_LOG_ROWS)} +` : count(summary.logRows)}
        note="in the log, until it is trimmed"
      />
      <Tile name="Hit rate" value={rate === undefined ? '–' : percent(rate)} note="recorded, in the time shown below" />
      <Tile
        name="A computation"
        value={meanMs === undefined ? '–' : span(meanMs)}
        note={history && meanMs !== undefined ? `the slowest ${span(history.totals.slowestFillMs)}` : 'none recorded'}
      />
    </dl>
  )
}

const Tile = ({ name, value, note }: { name: string; value: string; note: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      {value}
      <small>{note}</small>
    </dd>
  </div>
)

export const EntryPlots = ({ summary, scope }: { summary: Summary; scope: Scope }) => (
  <div class="plots">
    <Bars
      title="Namespaces"
      summary={summary.namespaces.length === 0 ? 'Nothing is stored yet.' : 'The largest, by the bytes they take.'}
      columns={['Namespace', 'Entries', 'Bytes']}
      kind="fill"
      bars={summary.namespaces.map(({ name, entries, bytes: size }) => ({
        name: name === null ? 'in none' : <NamespaceLink name={name} />,
        value: size,
        cells: [count(entries), bytes(size)],
      }))}
    />
    <Bars
      title="Slowest computations"
      summary={
        summary.slowest.length === 0
          ? 'No stored value was computed by getOrSet.'
          : 'What the stored values took to compute: these are worth keeping.'
      }
      columns={['Entry', 'Took']}
      kind="miss"
      bars={summary.slowest.map(({ key, computeMs }) => ({
        name: <KeyLink scope={scope} stored={key} maxLength={NAME_CHARACTERS} />,
        value: computeMs,
        cells: [span(computeMs)],
      }))}
    />
    <Columns
      id="expiry"
      title="Time to the deadline"
      heading="Within"
      summary={expirySummary(summary)}
      columns={summary.expiry}
    />
    <Columns id="sizes" title="Sizes" heading="Up to" summary={sizesSummary(summary)} columns={summary.sizes} />
  </div>
)

const NamespaceLink = ({ name }: { name: string }) => {
  const { namespace } = readableKey({ prefix: '', names: [] }, `${name}|`)
  return (
    <a href={`./entries?prefix=${encodeURIComponent(`${name}|`)}`}>
      {shortName(visibleName(namespace[0] ?? name), NAME_CHARACTERS, name)}
    </a>
  )
}

function expirySummary({ total, expiry }: Summary): string {
  if (total === 0) return 'There are no entries.'
  const shareOf = (label: string) => (expiry.find((column) => column.label === label)?.value ?? 0) / total
  return `Of all entries ${percent(shareOf('never'))} never expire, and ${percent(shareOf('expired'))} have expired.`
}

function sizesSummary({ total, bytes: size }: Summary): string {
  return total === 0 ? 'There are no entries.' : `A key and its value take ${bytes(size / total)} on average.`
}
