// app/visits/actions.ts
'use server'

import { cache } from '@/lib/cache'

export async function visit(): Promise<void> {
  await cache.increment('visits')
}
