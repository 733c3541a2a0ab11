/** Reads the global variables of OpenNext and Cloudflare. None exists while the configuration is loaded. */

/** The global variable with the bindings of a request, from OpenNext for Cloudflare. */
const CLOUDFLARE_CONTEXT = Symbol.for('__cloudflare-context__')

/** OpenNext's state for a request. */
interface RequestStore {
  waitUntil?(work: Promise<unknown>): void
  readonly pendingPromiseRunner?: { add(work: Promise<unknown>): void }
  readonly requestCache?: { getOrCreate<T>(name: string): Map<string, T> }
}

interface Globals {
  readonly __openNextAls?: { getStore(): RequestStore | undefined }
  readonly openNextConfig?: { readonly dangerous?: { readonly disableTagCache?: boolean } }
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> }
  readonly [CLOUDFLARE_CONTEXT]?: { readonly env?: object; readonly ctx?: { waitUntil(work: Promise<unknown>): void } }
}

const globals = globalThis as Globals

/**
 * Returns a map that lives as long as the request. Undefined outside of a request, and in versions of OpenNext without
 * it.
 */
export function requestMap<T>(name: string): Map<string, T> | undefined {
  return globals.__openNextAls?.getStore()?.requestCache?.getOrCreate<T>(`pgstash:${name}`)
}

export function isTagCacheDisabled(): boolean {
  return globals.openNextConfig?.dangerous?.disableTagCache === true
}

/**
 * Returns an environment variable, including those that OpenNext sets when a worker starts. Undefined if it is empty.
 */
export function environmentVariable(name: string): string | undefined {
  return globals.process?.env?.[name] || undefined
}

/** Returns a binding of the worker. */
export function binding(name: string): unknown {
  return Reflect.get(Object(globals[CLOUDFLARE_CONTEXT]?.env), name)
}

/** Runs work after the response if that is possible. Otherwise the caller waits for it. */
export async function inBackground(work: Promise<void>): Promise<void> {
  const store = globals.__openNextAls?.getStore()
  const context = globals[CLOUDFLARE_CONTEXT]?.ctx
  if (store?.waitUntil !== undefined) store.waitUntil(work)
  else if (context !== undefined) context.waitUntil(work)
  else if (store?.pendingPromiseRunner !== undefined) store.pendingPromiseRunner.add(work)
  else await work
}
