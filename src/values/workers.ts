/** True on Cloudflare Workers, where timers, sockets and promises belong to the request that made them. */
export function isWorkers(): boolean {
  const { userAgent } = Object(Reflect.get(globalThis, 'navigator'))
  return userAgent === 'Cloudflare-Workers'
}
