/** The steps of a store, with a copy of what is live handed over to who keeps it nearer. */
import { type Copy, remainingMs } from '../store/copies.ts'
import type { NewsReader } from '../store/news.ts'
import { type Codec, decodeValue, type StoredValue } from '../values/codec.ts'
import type { FillStore } from './store.ts'

/**
 * @param steps of the store, which answers with what a copy needs
 * @param keep is awaited: a call that comes after this one shall find the copy
 */
export function keepingSteps(
  steps: FillStore,
  codec: Codec,
  keep: (copy: Copy) => Promise<void>,
  news?: NewsReader,
): FillStore {
  const kept = (stored: StoredValue, key: string, about: Omit<Copy, 'value'>) =>
    keep({ value: () => decodeValue(stored, key, codec), ...about })
  return {
    async readOrClaim(request, cost) {
      const answer = await steps.readOrClaim({ ...request, about: true, news }, cost)
      const { entry } = answer
      // Not one that is due early: its refresh is under way.
      if (entry?.state === 'live' && entry.about !== undefined && answer.claimed !== true) {
        await kept(entry, request.key, entry.about)
      }
      return answer
    },
    async fill(request, cost) {
      const isStored = await steps.fill(request, cost)
      const { deadline, maxAgeMs, tags } = request
      // As of a snapshot it may be rejected already.
      if (isStored && request.asOf === null) {
        await kept(request, request.key, { remainingMs: remainingMs(deadline, maxAgeMs), tags })
      }
      return isStored
    },
    release: (key, token, cost) => steps.release(key, token, cost),
  }
}
