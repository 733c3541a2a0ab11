// nuxt.config.ts
export default defineNuxtConfig({
  nitro: { storage: { cache: { driver: 'pgstash/unstorage' } } },
})
