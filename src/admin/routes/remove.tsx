import type { Context } from 'hono'
import { shownTag } from '../../values/key.ts'
import { prefixOf, rangeOf } from '../area.ts'
import type { AdminEnv } from '../env.ts'
import { renderPage } from '../pages/layout.tsx'
import { Confirmation, RemoveForms, type Target } from '../pages/remove.tsx'
import { countSelected } from '../statements/count-selected.ts'
import { answerMessage } from './failure.tsx'

/** What would be removed, before it is: one statement, which looks at a bounded number of entries. */
export async function showRemoval(c: Context<AdminEnv>) {
  const { context, isReadOnly, token } = c.var.admin
  if (isReadOnly) return answerMessage(c, 403, 'Nothing can be changed here: these pages are read-only.')
  const target = targetOf(c.req.query('prefix'), c.req.query('tag'))
  if (target === undefined) return renderPage(c, { heading: 'Remove', current: 'remove', children: <RemoveForms /> })
  const isPrefix = target.kind === 'prefix'
  const range = rangeOf(context.scope, isPrefix ? target.text : '')
  const [row] = await context.store.runner.run(countSelected, { ...range, tag: isPrefix ? '' : shownTag(target.text) })
  const found = { entries: row?.entries ?? 0, affected: (isPrefix ? row?.entries : row?.tagged) ?? 0 }
  const children = <Confirmation token={token} target={target} found={found} />
  return renderPage(c, { heading: 'Remove', current: 'remove', children })
}

function targetOf(prefix: string | undefined, tag: string | undefined): Target | undefined {
  if (tag !== undefined) return { kind: 'tag', text: tag }
  return prefix === undefined ? undefined : { kind: 'prefix', text: prefixOf(prefix) }
}
