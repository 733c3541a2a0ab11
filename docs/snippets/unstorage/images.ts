// server/lib/images.ts, in Nitro 3
import { useStorage } from 'nitro/storage'
import { createBlobStorage } from 'ocache'

export const blobs = () =>
  createBlobStorage({
    get: (key) => useStorage('cache').getItemRaw(key),
    set: (key, value, options) =>
      value === null ? useStorage('cache').removeItem(key) : useStorage('cache').setItemRaw(key, value, options),
  })
