export default {
  serverDir: './server',
  preset: 'node_server',
  compatibilityDate: '2026-09-01',
  storage: {
    cache: { driver: 'pgstash/unstorage', namespace: 'pages', timeout: 60_000 },
    data: { driver: 'pgstash/unstorage', namespace: 'data', ttl: null, timeout: 60_000, onError: 'throw' },
  },
  routeRules: { '/ruled': { cache: { maxAge: 60 } } },
}
