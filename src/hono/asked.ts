/** What the handler said, and how it gets to the client. */
import { comparableOf, conditionOf, isNotModified, notModifiedFields, type TimedResponse } from '../http/index.ts'
import { type Exchange, replaceResponse, tell } from './exchange.ts'

/** What the handler said, and when. */
export interface Asked {
  readonly response: Response
  readonly timed: TimedResponse
  readonly error: Error | undefined
}

/** A 304 in the place of a response that the client has already; the handler was not shown the client's condition. */
export function conditional(x: Exchange, { response, timed }: Asked): Response {
  const condition = response.status === 200 ? conditionOf(x.head, timed.responseAt) : undefined
  if (condition === undefined || !isNotModified(condition, comparableOf(timed))) return response
  return new Response(null, { status: 304, headers: notModifiedFields(response.headers) })
}

export function settle(x: Exchange, response: Response, type: 'miss' | 'stale'): undefined {
  tell(x, type)
  replaceResponse(x.c, response)
}
