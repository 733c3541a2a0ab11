'use server'

import { revalidatePath } from 'next/cache'
import { cache } from '@/lib/cache'

export async function askAgain(): Promise<void> {
  // Anybody can press the button, so it works ten times a minute for all visitors together.
  const { allowed } = await cache.limit('ask again', { limit: 10, period: '1m' })
  if (!allowed) return
  // From now on no instance serves the old release, even if one is just reading it.
  await cache.invalidate('releases')
  revalidatePath('/')
}
