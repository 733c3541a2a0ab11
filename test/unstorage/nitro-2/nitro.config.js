import { fileURLToPath } from 'node:url'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

export default {
  srcDir: 'server',
  preset: 'node-server',
  compatibilityDate: '2026-09-01',
  // Nitro constructs these at build time as well, where there is no database.
  storage: {
    cache: { driver: 'pgstash/unstorage', namespace: 'pages', timeout: 60_000 },
    data: { driver: 'pgstash/unstorage', namespace: 'data', ttl: null, timeout: 60_000, onError: 'throw' },
    // Nuxt adds this mount: a driver by its path.
    'internal:nuxt:prerender': {
      driver: path('./node_modules/unstorage/drivers/memory.mjs'),
      base: path('./.nuxt/cache/nitro/prerender'),
    },
  },
  prerender: { routes: ['/prerendered'] },
  routeRules: { '/ruled': { swr: 60 } },
}
