// nitro.config.ts
export default {
  storage: {
    cache: { driver: 'pgstash/unstorage', ttl: '90d' },
    data: { driver: 'pgstash/unstorage', namespace: 'data', ttl: null, onError: 'throw' },
  },
}
