export default {
  cacheComponents: true,
  cacheHandlers: {
    default: import.meta.resolve('./cache-handler.mjs'),
    remote: import.meta.resolve('./cache-handler.mjs'),
  },
  cacheHandler: import.meta.resolve('./incremental-handler.mjs'),
  cacheLife: { moment: { stale: 1, revalidate: 1, expire: 600 } },
  turbopack: { root: '/' },
  outputFileTracingRoot: '/',
}
