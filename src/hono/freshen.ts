/** The handler answers with 304: what is stored is brought up to date by its fields (RFC 9111 4.3.4). */
import { comparableOf, conditionOf, type Freshened, freshenBy304, isNotModified, varyNames } from '../http/index.ts'
import { type Asked, settle } from './asked.ts'
import { handOver, withStatus } from './exchange.ts'
import { lifeOf, metaOf, tagsOf } from './keep.ts'
import { finish, type Lead, mayKeep, release } from './lease.ts'
import { type Entry, serve, timedOf } from './serve.ts'

/** The handler says that what is stored is still right. */
export async function freshen(lead: Lead, entry: Entry, { timed, response }: Omit<Asked, 'error'>): Promise<undefined> {
  const { x, fwd } = lead
  const { policy } = x.plan
  const freshened = freshenBy304(x.head, timedOf(entry.meta), timed, policy)
  if (freshened === undefined) return mismatched(lead, entry, { timed, response })
  const wanted = isInKey(lead, freshened) ? freshened.store : 'delete'
  const kept = wanted === 'update' && !mayKeep(lead) ? 'leave' : wanted
  const { isSliding, ...life } = lifeOf(x, freshened.response)
  const { bytes, base64 } = entry.meta
  const meta = metaOf(freshened.response, { bytes, base64: base64 === true, isSliding })
  // An error of the option's is thrown here, as for a response that is stored anew, and not lost behind the response.
  const tags = kept === 'update' ? tagsOf(x, new Response(null, freshened.response)) : []
  const update = async () => {
    if (kept === 'delete') await x.store.purge({ bases: [x.base], soft: false })
    if (kept !== 'update') return release(lead, 0)
    const { key, passedAt } = lead.answer
    await x.store.freshen({ key, token: x.token, passedAt, meta, tags, ...life }, x.cost)
  }
  const served = await serve(
    x,
    { ...entry, meta },
    { fwd, fwdStatus: 304, stored: kept === 'update' },
    { validated: true },
  )
  for (const [name, value] of freshened.unshared) served?.headers.append(name, value)
  await handOver(x, finish(lead, update()))
  return settle(x, served ?? withStatus(x, response, { fwd, fwdStatus: 304 }), 'miss')
}

/** Whether the row's key tells apart all that the response varies on now: a 304 may name more, or as the first. */
function isInKey({ x, answer }: Lead, { response }: Freshened): boolean {
  const names = varyNames(response.headers, x.plan.policy)
  return names !== '*' && names.every((name) => answer.names?.includes(name))
}

/**
 * The handler says that another response than the one it was asked about has not changed, and can be asked only once. A
 * client that has that one is told so; others get what is stored, for a 304 would be none for them. It is not kept.
 */
async function mismatched(lead: Lead, entry: Entry, { timed, response }: Omit<Asked, 'error'>): Promise<undefined> {
  const { x, fwd } = lead
  const condition = conditionOf(x.head, timed.responseAt)
  const isForClient = condition !== undefined && isNotModified(condition, comparableOf(timed))
  const status = { fwd, fwdStatus: 304, detail: 'validator' }
  const served = isForClient ? undefined : await serve(x, entry, status)
  await handOver(x, finish(lead, x.store.purge({ bases: [x.base], soft: false })))
  return settle(x, served ?? withStatus(x, response, status), 'miss')
}
