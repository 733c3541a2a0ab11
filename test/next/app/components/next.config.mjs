export default { cacheComponents: true, partialPrefetching: true, turbopack: { root: '/' }, outputFileTracingRoot: '/' }
