import { Suspense } from 'react'
import { cache } from '@/lib/known'

/** A value that a page stores while the app is built is there for all later renders. */
async function Answers() {
  const views = await cache.increment('operations:views')
  const before = (await cache.get('operations:key')) ?? 'nothing'
  await cache.set('operations:key', `view ${views}`, { expiration: '1h', tags: ['operations'] })
  const answers = {
    views,
    before,
    after: await cache.get('operations:key'),
    sliding: await cache.get('operations:key', { sliding: '1h' }),
    many: Object.fromEntries(await cache.getMany(['operations:key', 'operations:missing'])),
    has: await cache.has('operations:key'),
    limit: (await cache.limit('operations:limit', { limit: 100, period: '1h' })).count,
    early: await cache.getOrSet('operations:early', 'early', { expiration: '1h', stale: '1h', beta: 1 }),
  }
  return <pre>{JSON.stringify(answers)}</pre>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Answers />
    </Suspense>
  )
}
