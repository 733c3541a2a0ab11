/** The history on the overview, as plots over time. */
import type { Child } from 'hono/jsx'
import { count, formatCount, percent, span } from '../format.ts'
import { type History, hitRate, SPANS, type Step } from '../history-view.ts'
import { Data } from '../plots/figure.tsx'
import { RatePlot } from '../plots/rate.tsx'
import { SeriesPlot } from '../plots/series.tsx'

export const NoHistory = ({ hasTable }: { hasTable: boolean }) => (
  <p class="note">
    {hasTable ? (
      <>
        No history was recorded in this time. To record hits, computations, invalidations and cleanups, import{' '}
        <code>historyListener</code> from <code>pgstash/telemetry</code> and pass it to the cache:{' '}
        <code>createCache(db, {'{ onEvent: historyListener(db) }'})</code>.
      </>
    ) : (
      <>
        The history table does not exist yet. To create it, run <code>npx pgstash migrate</code>.
      </>
    )}
  </p>
)

export const SpanChoice = ({ current }: { current: string }) => (
  <nav aria-label="Time range">
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
        summary={rate === undefined ? NO_READS : `${percent(rate)} of all reads found a value.`}
        times={times}
        values={steps.map(hitRate)}
      />
      <SeriesPlot
        id="reads"
        title="Reads"
        summary={rate === undefined ? NO_READS : readsSummary(totals)}
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
        summary={computationsSummary(totals)}
        times={times}
        series={[{ kind: 'fill', values: values(({ fills }) => fills) }]}
      />
      <SeriesPlot
        id="invalidations"
        title="Invalidations"
        summary={
          totals.invalidations === 0
            ? 'No tags were invalidated in this time. invalidate() does that.'
            : `${formatCount(totals.invalidations, 'tag was', 'tags were')} invalidated.`
        }
        times={times}
        series={[{ kind: 'fill', values: values(({ invalidations }) => invalidations) }]}
      />
      <SeriesPlot
        id="cleanups"
        title="Cleanup"
        summary={
          totals.cleanups === 0
            ? 'No cleanup ran in this time. clearExpired() runs one.'
            : `${formatCount(totals.cleanups, 'run')} removed ${formatCount(totals.removed, 'entry', 'entries')}.`
        }
        times={times}
        series={[{ kind: 'calm', values: values(({ removed }) => removed) }]}
      />
      {totals.allowed + totals.refused > 0 && (
        <SeriesPlot
          id="limits"
          title="Rate limits"
          summary={`${formatCount(totals.allowed, 'call was', 'calls were')} allowed, ${count(totals.refused)} refused.`}
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

const NO_READS = 'There were no reads in this time. get and getOrSet count as reads.'

function readsSummary({ hits, stale, misses }: Step): string {
  return `${formatCount(hits, 'hit')}, ${count(stale)} stale, ${formatCount(misses, 'miss', 'misses')}.`
}

function computationsSummary({ fills, fillMs, errors }: Step): string {
  const failed = `${formatCount(errors, 'call')} failed.`
  if (fills === 0) return `There were no computations in this time. getOrSet computes on a miss. ${failed}`
  return `${formatCount(fills, 'computation')} took ${span(fillMs)} in total. ${failed}`
}

/** All plots over time as one table, without steps that have no events. */
const HistoryTable = ({ times, steps }: History) => (
  <figure>
    <h2>History as a table</h2>
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
          'Invalidated tags',
          'Removed entries',
          'Allowed calls',
          'Refused calls',
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
  // The summary before it says the same in words, so that nothing depends on colour alone.
  <span aria-hidden="true">
    <span class="key good" />
    hits
    <span class="key stale" />
    stale
    <span class="key miss" />
    misses
  </span>
)
