import type { Context } from 'hono'
import { countTagged } from '../../postgres/operations/count-tagged.ts'
import { forScope } from '../../postgres/operations/scoped.ts'
import type { PostgresEngine } from '../../postgres/postgres-store.ts'
import { keyRange, shownTag } from '../../values/key.ts'
import { prefixOf, rangeOf } from '../area.ts'
import type { AdminEnv } from '../env.ts'
import { renderPage } from '../pages/layout.tsx'
import { Confirmation, type Found, RemoveForms, type Target } from '../pages/remove.tsx'
import { countPrefix, MAX_COUNTED } from '../statements/count-prefix.ts'
import { answerMessage } from './failure.tsx'

/** Shows how many entries a removal would affect: one statement, which checks a bounded number of entries. */
export async function showRemoval(c: Context<AdminEnv>) {
  const { engine, isReadOnly, token } = c.var.admin
  if (isReadOnly) return answerMessage(c, 403, 'These pages are read-only, so nothing can be changed.')
  const target = targetOf(c.req.query('prefix'), c.req.query('tag'))
  if (target === undefined) return renderPage(c, { heading: 'Remove', current: 'remove', children: <RemoveForms /> })
  const found = target.kind === 'prefix' ? await findPrefix(engine, target.text) : await findTag(engine, target.text)
  const children = <Confirmation token={token} target={target} found={found} />
  return renderPage(c, { heading: 'Remove', current: 'remove', children })
}

async function findPrefix({ store, scope }: PostgresEngine, prefix: string): Promise<Found> {
  const [row] = await store.runner.run(countPrefix, { ...rangeOf(scope, prefix) })
  const entries = row?.entries ?? 0
  return { entries, accuracy: entries < MAX_COUNTED ? 'exact' : 'at least' }
}

async function findTag({ store, scope }: PostgresEngine, tag: string): Promise<Found> {
  const [row] = await store.runner.run(forScope(countTagged, scope), { ...keyRange(scope), tag: shownTag(tag) })
  return { entries: row?.tagged ?? 0, accuracy: row?.isEstimate ? 'estimate' : 'exact' }
}

function targetOf(prefix: string | undefined, tag: string | undefined): Target | undefined {
  if (tag !== undefined) return { kind: 'tag', text: tag }
  return prefix === undefined ? undefined : { kind: 'prefix', text: prefixOf(prefix) }
}
