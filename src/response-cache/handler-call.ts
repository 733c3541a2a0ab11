/** The port between the response cache and a framework: an adapter describes each request as a {@link HandlerCall}. */

export type WaitUntil = (work: Promise<unknown>) => void

/** One request on its way to the handler behind the cache. */
export interface HandlerCall {
  readonly request: Request
  /** The path that `include` and `exclude` match, decoded as the framework's router sees it. */
  readonly path: string
  /** The argument of the functions among the options. */
  readonly context: unknown
  /** The same object for all response caches that this request passes, so that one does not wait for the lease of another. */
  readonly identity: object
  /** Returns the fields that middleware in front of the cache set for this request. They are answered but never stored. */
  frontFields(): Headers
  /** Runs the handler with this request, which may carry other conditions than the client's. Never rejects. */
  run(request: Request): Promise<HandlerResult>
  /** Runs the handler as if there were no cache. Rejects if the handler does. */
  pass(): Promise<HandlerResponse>
  /** Whether middleware in front has answered already. The handler's response is then ignored. */
  readonly isAnswered?: boolean
  /** Keeps work alive after the response; undefined if the platform cannot. */
  readonly waitUntil: WaitUntil | undefined
  /** How the handler can run once more after the response; undefined if it cannot. */
  readonly refresh: Refresh | undefined
}

export type Refresh =
  /** Runs the handler itself again. */
  | { readonly kind: 'run'; readonly run: HandlerCall['run'] }
  /** Sends a request through the whole application. It comes back to the same cache, which then runs the handler. */
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
