export default {
  serverDir: './server',
  preset: 'node_server',
  compatibilityDate: '2026-09-01',
  storage: {
    cache: { driver: 'pgstash/unstorage', namespace: 'pages' },
    data: { driver: 'pgstash/unstorage', namespace: 'data', ttl: null, onError: 'throw' },
  },
  routeRules: { '/ruled': { cache: { maxAge: 60 } } },
}
