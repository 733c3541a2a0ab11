import type { Context } from 'hono'
import type { AdminEnv } from '../env.ts'
import { historyOf, loadHistory, spanOf } from '../history-view.ts'
import { ActionForm } from '../pages/action-form.tsx'
import { HistoryPlots, NoHistory, SpanChoice } from '../pages/history.tsx'
import { renderPage } from '../pages/layout.tsx'
import { EntryPlots, Tiles } from '../pages/overview.tsx'
import { loadSummary } from '../summary.ts'

/** Shows the overview: two statements, which run at the same time. */
export async function showOverview(c: Context<AdminEnv>) {
  const { engine, history: name, isReadOnly, token } = c.var.admin
  const span = spanOf(c.req.query('span'))
  const [summary, rows] = await Promise.all([loadSummary(engine), loadHistory(engine, span, name)])
  const history = rows && historyOf(rows, span, summary.now)
  const children = (
    <>
      {summary.isEstimate && <p class="soft">There are many entries, so their figures are estimates from a sample.</p>}
      <Tiles summary={summary} history={history} />
      <EntryPlots summary={summary} scope={engine.scope} />
      <div class="row">
        <h2>History</h2>
        <SpanChoice current={span} />
      </div>
      {history === undefined || rows?.length === 0 ? (
        <NoHistory hasTable={history !== undefined} />
      ) : (
        <HistoryPlots history={history} />
      )}
      {!isReadOnly && (
        <div class="row">
          <ActionForm token={token} action="clean">
            <button type="submit">Run cleanup now</button>
          </ActionForm>
        </div>
      )}
    </>
  )
  return renderPage(c, { heading: 'Overview', current: 'overview', children })
}
