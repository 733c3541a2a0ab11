/** What the handler said, and how it gets to the client. */
import {
  type CacheStatus,
  comparableOf,
  conditionOf,
  type ForwardReason,
  isNotModified,
  notModifiedFields,
  type TimedResponse,
} from '../http/index.ts'
import { type Exchange, replaceResponse, tell, withStatus } from './exchange.ts'

/** What the handler said, and when. */
export interface Asked {
  readonly response: Response
  readonly timed: TimedResponse
  readonly error: Error | undefined
}

/**
 * A 304 in the place of a response that the client has already; the handler was not shown the client's condition. Of what
 * has no date of modification none can hold (RFC 9110 13.1.3): only what is stored is compared by its Date instead.
 */
export function conditional(x: Exchange, { response, timed }: Asked): Response {
  const condition = response.status === 200 ? conditionOf(x.head, timed.responseAt) : undefined
  if (condition === undefined || !isNotModified(condition, comparableOf(timed))) return response
  if (condition.kind === 'modified-since' && !response.headers.has('last-modified')) return response
  return new Response(null, { status: 304, headers: notModifiedFields(response.headers) })
}

/** What the client gets of what the handler said; of its status, too, where that is another (RFC 9211 2.3). */
export function passedOn(
  x: Exchange,
  { response }: Asked,
  given: Response,
  status: CacheStatus & { fwd: ForwardReason },
): Response {
  return withStatus(x, given, response.status === given.status ? status : { ...status, fwdStatus: response.status })
}

export function settle(x: Exchange, response: Response, type: 'miss' | 'stale'): undefined {
  tell(x, type)
  replaceResponse(x.c, response)
}
