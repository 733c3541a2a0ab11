/**
 * HTTP caching for a shared cache as pure functions (RFC 9110, RFC 9111 and their extensions). They do no I/O and read
 * no clock: instants are parameters, in epoch milliseconds.
 *
 * The cache calls them in this order:
 *
 * 1. `bypassReason`, `cacheKey` and `fieldDigests` prepare the lookup.
 * 2. `reuse` judges the stored response.
 * 3. `answer` serves it, or `forwardedFields` prepares the request for the handler.
 * 4. `judge304` handles a 304 from the handler. Any other response goes to `mayStore`, `fieldsToStore`, `varyRecordOf`,
 *    `lifetimeOf` and `variantKey`.
 *
 * After an unsafe method, `invalidatedUrls` and `invalidatedTags` list the entries to invalidate.
 *
 * Parts of a representation have their own functions (RFC 9111 3.3 and 3.4). `mayStorePart`, `receivedPart` and
 * `partToStore` store a 206. `answerPart` serves it, or `forwardPart` prepares the request for the handler.
 * `combineParts` adds the next 206.
 */

export {
  type Answer,
  type AnswerOptions,
  answer,
  type ByteRange,
  type RequestedRange,
  requestedRange,
} from './answer.ts'
export { type CacheKeyOptions, cacheKey, keyPrefixes, type QueryRule } from './cache-key.ts'
export { type CacheStatus, type ForwardReason, formatCacheStatus, forwardReason, type Lookup } from './cache-status.ts'
export {
  type Comparable,
  type Condition,
  comparableOf,
  conditionOf,
  describesContent,
  isHeldByClient,
  isNotModified,
  notModifiedFields,
} from './conditional.ts'
export { listMembers } from './fields.ts'
export { forwardedFields } from './forwarding.ts'
export { type Freshened, freshenBy304, freshenByHead } from './freshening.ts'
export {
  ageValue,
  currentAgeMs,
  dateOf,
  type Freshness,
  type FreshnessSource,
  freshness,
  initialAgeMs,
  servingSpans,
} from './freshness.ts'
export { invalidatedUrls, invalidates } from './invalidation.ts'
export { type Judged304, judge304 } from './judge-304.ts'
export type { RequestHead, ResponseHead, TimedResponse } from './message.ts'
export { answerPart, heldRange } from './partial-answer.ts'
export { type CombinedPart, combineParts, joinPieces, MAX_PART_RANGES } from './partial-combining.ts'
export { forwardPart, type PartForward } from './partial-forwarding.ts'
export { isWhole, type Parts, type Piece, storedLength } from './partial-ranges.ts'
export { mayStorePart, type PartDecision, partToStore, receivedPart, type StoredPart } from './partial-storing.ts'
export { createPolicy, type HeuristicOptions, type Policy, type PolicyOptions } from './policy.ts'
export { mayStorePost } from './post.ts'
export { bypassReason, isAnswerable, isSafe, isWebSocketUpgrade, mayFill } from './requests.ts'
export { hasFailed, isShareable, mayServeOnError, mustNotForward, type Reuse, reuse } from './serving.ts'
export { isServerError, PARTIAL_CONTENT } from './statuses.ts'
export { fieldsToStore, guidesCaches } from './stored-fields.ts'
export { lifetimeOf, type StoredLifetime, type StoredLifetimeOptions } from './stored-lifetime.ts'
export { isComplete, mayStore, type StoreDecision, type StoreRefusal, supersedes } from './storing.ts'
export { groupTag, invalidatedTags, responseTags } from './tags.ts'
export { hasValidator } from './validators.ts'
export { type FieldDigests, fieldDigests, variantKey } from './variant-key.ts'
export { joinVary, MAX_VARY_FIELDS, type VaryNames, type VaryRecord, varyNames, varyRecordOf } from './vary.ts'
