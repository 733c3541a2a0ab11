/** The part of the overview that was recorded over time. */
import type { Child } from 'hono/jsx'
import { count, percent, span } from '../format.ts'
import { type History, hitRate, SPANS } from '../history-view.ts'
import { Data } from '../plots/figure.tsx'
import { RatePlot } from '../plots/rate.tsx'
import { SeriesPlot } from '../plots/series.tsx'

export const NoHistory = ({ hasTable }: { hasTable: boolean }) => (
  <p class="note">
    {hasTable ? (
      <>
        Nothing was recorded in this time. <code>createCache(db, {'{ onEvent: historyListener(db) }'})</code> records
        hits, computations, invalidations and cleanups, with <code>historyListener</code> of{' '}
        <code>pgstash/telemetry</code>.
      </>
    ) : (
      <>
        There is no table for the history yet: run <code>npx pgstash migrate</code>.
      </>
    )}
  </p>
)

export const SpanChoice = ({ current }: { current: string }) => (
  <nav aria-label="Time shown">
    {Object.entries(SPANS).map(([name, { label }]) => (
      <a href={`./overview?span=${name}`} aria-current={name === current ? 'true' : undefined}>
        {label}
      </a>
    ))}
  </nav>
)

export const HistoryPlots = ({ history }: { history: History }) => {
  const { times, steps, totals } = history
  const values = (pick: (step: (typeof steps)[number]) => number) => steps.map(pick)
  const rate = hitRate(totals)
  return (
    <div class="plots">
      <RatePlot
        id="rate"
        title="Hit rate"
        summary={rate === undefined ? 'Nothing was asked for.' : `${percent(rate)} of all reads found a value.`}
        times={times}
        values={steps.map(hitRate)}
      />
      <SeriesPlot
        id="reads"
        title="Reads"
        summary={`${count(totals.hits)} hits, ${count(totals.stale)} stale, ${count(totals.misses)} misses.`}
        legend={<ReadsLegend />}
        times={times}
        series={[
          { kind: 'good', values: values(({ hits }) => hits) },
          { kind: 'stale', values: values(({ stale }) => stale) },
          { kind: 'miss', values: values(({ misses }) => misses) },
        ]}
      />
      <SeriesPlot
        id="fills"
        title="Computations"
        summary={`${count(totals.fills)} took ${span(totals.fillMs)} in all; ${count(totals.errors)} calls failed.`}
        times={times}
        series={[{ kind: 'fill', values: values(({ fills }) => fills) }]}
      />
      <SeriesPlot
        id="invalidations"
        title="Invalidations"
        summary={`${count(totals.invalidations)} tags were invalidated.`}
        times={times}
        series={[{ kind: 'fill', values: values(({ invalidations }) => invalidations) }]}
      />
      <SeriesPlot
        id="cleanups"
        title="Cleanup"
        summary={`${count(totals.cleanups)} runs removed ${count(totals.removed)} entries.`}
        times={times}
        series={[{ kind: 'calm', values: values(({ removed }) => removed) }]}
      />
      {totals.allowed + totals.refused > 0 && (
        <SeriesPlot
          id="limits"
          title="Limits"
          summary={`${count(totals.allowed)} calls were allowed, ${count(totals.refused)} refused.`}
          legend={<LimitsLegend />}
          times={times}
          series={[
            { kind: 'good', values: values(({ allowed }) => allowed) },
            { kind: 'miss', values: values(({ refused }) => refused) },
          ]}
        />
      )}
      <HistoryTable {...history} />
    </div>
  )
}

/** All of the plots over time as one table, in which steps without events are left out. */
const HistoryTable = ({ times, steps }: History) => (
  <figure>
    <h2>All of this as a table</h2>
    <details>
      <summary>Show the numbers</summary>
      <Data
        columns={[
          'Time (UTC)',
          'Hit rate',
          'Hits',
          'Stale',
          'Misses',
          'Computations',
          'Tags',
          'Removed',
          'Allowed',
          'Refused',
        ]}
        rows={steps.flatMap((step, i) => {
          const { hits, stale, misses, fills, invalidations, removed, allowed, refused } = step
          const amounts = [hits, stale, misses, fills, invalidations, removed, allowed, refused]
          if (amounts.every((amount) => amount === 0)) return []
          const rate = hitRate(step)
          return [[times[i] ?? '', rate === undefined ? '–' : percent(rate), ...amounts.map(count)]]
        })}
      />
    </details>
  </figure>
)

const LimitsLegend = (): Child => (
  <span aria-hidden="true">
    <span class="key good" />
    allowed
    <span class="key miss" />
    refused
  </span>
)

const ReadsLegend = (): Child => (
  // The words before say the same, so that colour alone tells nothing.
  <span aria-hidden="true">
    <span class="key good" />
    hits
    <span class="key stale" />
    stale
    <span class="key miss" />
    misses
  </span>
)
