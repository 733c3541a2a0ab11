export default {
  serverDir: './server',
  preset: 'node_server',
  compatibilityDate: '2026-09-01',
  // A middleware of some routes only, so that one build has both recipes.
  handlers: [{ route: '/whole/**', handler: './server/lib/middleware.ts', middleware: true }],
}
