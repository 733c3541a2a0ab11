/** The requests of a fill, for a tier that keeps copies of live entries. */
import { type Copy, remainingMs } from '../store/copies.ts'
import type { NewsReader } from '../store/news.ts'
import { type Codec, decodeValue, type StoredValue } from '../values/codec.ts'
import type { FillRequests } from './calls.ts'

/** @param keep takes the copy. It is awaited, so that the next call finds the copy. */
export function keepingRequests(
  requests: FillRequests,
  codec: Codec,
  keep: (copy: Copy) => Promise<void>,
  news?: NewsReader,
): FillRequests {
  const keepCopy = (stored: StoredValue, key: string, about: Omit<Copy, 'value'>) =>
    keep({ value: () => decodeValue(stored, key, codec), ...about })
  return {
    async readOrClaim(request) {
      const reply = await requests.readOrClaim({ ...request, about: true, news })
      const { entry, claimed } = reply.value
      // A claimed entry is about to be refreshed, so a copy of it would be old at once.
      if (entry?.state === 'live' && entry.about !== undefined && claimed !== true) {
        await keepCopy(entry, request.key, entry.about)
      }
      return reply
    },
    async fill(request) {
      const reply = await requests.fill(request)
      const { deadline, maxAgeMs, tags } = request
      // A value as of a snapshot may be invalidated already.
      if (reply.value && request.asOf === null) {
        await keepCopy(request, request.key, { remainingMs: remainingMs(deadline, maxAgeMs), tags })
      }
      return reply
    },
    release: (key, token) => requests.release(key, token),
  }
}
