/**
 * The interface between the response cache and a framework. An adapter describes each request as a {@link HandlerCall}.
 */

export type WaitUntil = (work: Promise<unknown>) => void

/** One request on its way to the handler behind the cache. */
export interface HandlerCall {
  readonly request: Request
  /** The path that `include` and `exclude` match, decoded as the framework's router sees it. */
  readonly path: string
  /** The argument of the functions in the options. */
  readonly context: unknown
  /**
   * The same object for all response caches that this request passes, so that none waits for a lease that the request
   * holds.
   */
  readonly identity: object
  /**
   * Returns the fields that middleware in front of the cache set for this request. The client gets them, the store does
   * not.
   */
  frontFields(): Headers
  /** Runs the handler with this request, which may have other conditions than the client's request. Never rejects. */
  run(request: Request): Promise<HandlerResult>
  /** Runs the handler as if there were no cache. Rejects if the handler does. */
  pass(): Promise<HandlerResponse>
  /** Whether middleware in front has already answered. The framework then ignores the handler's response. */
  readonly isAnswered?: boolean
  /** Keeps work alive after the response; undefined if the platform cannot. */
  readonly waitUntil: WaitUntil | undefined
  /** How to run the handler again after the response; undefined if that is impossible. */
  readonly refresh: Refresh | undefined
}

export type Refresh =
  /** Runs the handler itself again. */
  | { readonly kind: 'run'; readonly run: HandlerCall['run'] }
  /** Sends a request through the whole application. It reaches the same cache again, which then runs the handler. */
  | { readonly kind: 'resend'; readonly send: (request: Request) => Promise<Response | undefined> }

export interface HandlerResponse {
  readonly response: Response
  /** Set if the handler threw, and the framework turned the error into the response. */
  readonly error?: unknown
}

/** The handler's response, or the error that it threw. */
export type HandlerResult =
  | HandlerResponse
  | { readonly response?: undefined; readonly error: unknown; readonly hasFailed: boolean }
