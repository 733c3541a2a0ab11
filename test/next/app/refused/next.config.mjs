export default {
  cacheComponents: true,
  partialPrefetching: true,
  turbopack: { root: '/' },
  outputFileTracingRoot: '/',
  // All pages are tried, so that one build tells of each.
  experimental: { prerenderEarlyExit: false },
}
