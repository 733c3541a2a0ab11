export default {
  cacheHandler: import.meta.resolve('./incremental-handler.mjs').slice('file://'.length),
  images: { customCacheHandler: true },
  turbopack: { root: '/' },
  outputFileTracingRoot: '/',
}
