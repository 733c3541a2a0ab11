import type { WaitUntil } from '../response-cache/handler-call.ts'

/** Returns the `waitUntil` of the first argument that has one: Cloudflare's context, or srvx's request (Nitro). */
export function waitUntilIn(args: readonly unknown[]): WaitUntil | undefined {
  for (const each of args) {
    if (typeof each !== 'object' || each === null) continue
    const waitUntil: unknown = Reflect.get(each, 'waitUntil')
    // Call it as a method, because Cloudflare's `waitUntil` needs its context as `this`.
    if (typeof waitUntil === 'function') return (work) => void Reflect.apply(waitUntil, each, [work])
  }
  return undefined
}
