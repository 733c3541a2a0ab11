/** The overview: the entries of the cache as figures and plots. */

import { MAX_LOG_ROWS } from '../../postgres/operations/summarize.ts'
import type { Scope } from '../../values/key.ts'
import { readableKey } from '../../values/key.ts'
import { shortName, visibleName } from '../../values/visible-name.ts'
import { bytes, count, percent, span } from '../format.ts'
import { type History, hitRate, SPANS } from '../history-view.ts'
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
        note="expired or invalidated"
      />
      <Tile name="Stored size" value={about + bytes(summary.bytes)} note="keys and values, compressed" />
      <Tile
        name="Invalidated tags"
        value={summary.logRows === MAX_LOG_ROWS ? `${count(MAX_LOG_ROWS)} +` : count(summary.logRows)}
        note="in the log, until cleanup trims it"
      />
      <Tile
        name="Hit rate"
        value={rate === undefined ? '–' : percent(rate)}
        note={history === undefined || rate === undefined ? 'no reads recorded' : timeRange(history)}
      />
      <Tile
        name="Mean compute time"
        value={meanMs === undefined ? '–' : span(meanMs)}
        note={
          history === undefined || meanMs === undefined
            ? 'no computations recorded'
            : `${timeRange(history)}, slowest ${span(history.totals.slowestFillMs)}`
        }
      />
    </dl>
  )
}

const timeRange = ({ span: name }: History) => SPANS[name].label.toLowerCase()

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
      summary={summary.namespaces.length === 0 ? NO_ENTRIES : 'The largest namespaces by stored size.'}
      columns={['Namespace', 'Entries', 'Size']}
      kind="fill"
      bars={summary.namespaces.map(({ name, entries, bytes: size }) => ({
        name: name === null ? '(no namespace)' : <NamespaceLink name={name} />,
        value: size,
        cells: [count(entries), bytes(size)],
      }))}
    />
    <Bars
      title="Slowest computations"
      summary={
        summary.slowest.length === 0
          ? 'There are no compute times yet. getOrSet stores one with each value that it computes.'
          : 'The values that took longest to compute. Their misses cost the most.'
      }
      columns={['Entry', 'Compute time']}
      kind="miss"
      bars={summary.slowest.map(({ key, computeMs }) => ({
        name: <KeyLink scope={scope} stored={key} maxLength={NAME_CHARACTERS} />,
        value: computeMs,
        cells: [span(computeMs)],
      }))}
    />
    <Columns
      id="expiry"
      title="Remaining TTL"
      heading="Up to"
      summary={expirySummary(summary)}
      columns={summary.expiry}
    />
    <Columns id="sizes" title="Entry sizes" heading="Up to" summary={sizesSummary(summary)} columns={summary.sizes} />
  </div>
)

const NO_ENTRIES = 'There are no entries yet. set and getOrSet add them.'

const NamespaceLink = ({ name }: { name: string }) => {
  const { namespace } = readableKey({ prefix: '', names: [] }, `${name}|`)
  return (
    <a href={`./entries?prefix=${encodeURIComponent(`${name}|`)}`}>
      {shortName(visibleName(namespace[0] ?? name), NAME_CHARACTERS, name)}
    </a>
  )
}

function expirySummary({ total, expiry }: Summary): string {
  if (total === 0) return NO_ENTRIES
  const shareOf = (label: string) => (expiry.find((column) => column.label === label)?.value ?? 0) / total
  const [never, expired] = [percent(shareOf('never')), percent(shareOf('expired'))]
  return `${never} of all entries never expire, and ${expired} are expired or invalidated.`
}

function sizesSummary({ total, bytes: size }: Summary): string {
  return total === 0 ? NO_ENTRIES : `A key and its value take ${bytes(size / total)} on average.`
}
