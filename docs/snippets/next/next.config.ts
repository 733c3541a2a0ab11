// next.config.ts
import type { NextConfig } from 'next'

const handler = require.resolve('./cache-handler.mjs')

const config: NextConfig = {
  cacheComponents: true,
  cacheHandlers: { default: handler, remote: handler }, // 'use cache' and 'use cache: remote'
  cacheHandler: require.resolve('./incremental-handler.mjs'), // ISR, fetch, route handlers
}

export default config
