const handler = new URL('./cache-handler.mjs', import.meta.url).pathname

export default {
  experimental: { useCache: true, cacheHandlers: { default: handler, remote: handler } },
  cacheHandler: new URL('./incremental-handler.mjs', import.meta.url).pathname,
  outputFileTracingRoot: '/',
}
