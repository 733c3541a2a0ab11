export default {
  cacheComponents: true,
  partialPrefetching: true,
  turbopack: { root: '/' },
  outputFileTracingRoot: '/',
  // Every page is tried, so that one build shows the result of each.
  experimental: { prerenderEarlyExit: false },
}
