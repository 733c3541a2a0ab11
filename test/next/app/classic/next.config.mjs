export default { turbopack: { root: '/' }, outputFileTracingRoot: '/' }
