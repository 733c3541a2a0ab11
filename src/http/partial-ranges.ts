/** The stored parts of a representation, as ranges of byte positions (RFC 9110 14.1.2 and 14.4). */
import type { ByteRange } from './answer.ts'
import { trimBlanks } from './fields.ts'

/** The positions of the first and the last byte, both inclusive. */
export type PartRange = readonly [first: number, last: number]

/**
 * Which bytes of a representation are stored. The stored body is the bytes of the ranges, concatenated in this order.
 */
export interface Parts {
  /** Sorted. Two ranges neither overlap nor touch. */
  readonly ranges: readonly PartRange[]
  /** The length of the whole representation. */
  readonly completeLength: number
}

/** A range of a combined body, and its source. */
export interface Piece {
  readonly from: 'stored' | 'received'
  /** Positions in the bytes of that source. */
  readonly range: ByteRange
}

export interface ContentRange {
  readonly first: number
  readonly last: number
  /** Undefined if the sender did not know it (`*`). */
  readonly completeLength: number | undefined
}

const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i
const DIGITS = /^\d+$/

/**
 * Returns undefined if the field is absent or invalid, uses another unit, or reports an unsatisfied range (RFC 9110
 * 14.4).
 */
export function parseContentRange(value: string | null): ContentRange | undefined {
  const [, from = '', to = '', length = ''] = CONTENT_RANGE.exec(trimBlanks(value ?? '')) ?? []
  const [first, last] = [byteCount(from), byteCount(to)]
  const completeLength = length === '*' ? undefined : byteCount(length)
  if (first === undefined || last === undefined || last < first) return undefined
  if (length !== '*' && (completeLength === undefined || completeLength <= last)) return undefined
  return { first, last, completeLength }
}

/** Parses a number of bytes. Returns undefined for anything but digits, and for numbers that lose precision. */
export function byteCount(text: string): number | undefined {
  const count = DIGITS.test(text) ? Number(text) : undefined
  return Number.isSafeInteger(count) ? count : undefined
}

/** True if no byte is missing. */
export function isWhole({ ranges, completeLength }: Parts): boolean {
  const [range] = ranges
  return ranges.length === 1 && range?.[0] === 0 && range[1] === completeLength - 1
}

/** Returns the number of stored bytes. */
export function storedLength({ ranges }: Parts): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/** Returns the positions of a range in the stored bytes, or undefined if any byte of it is missing. */
export function locate({ ranges }: Parts, { first, last }: ByteRange): ByteRange | undefined {
  let offset = 0
  for (const [from, to] of ranges) {
    if (from <= first && last <= to) return { first: offset + first - from, last: offset + last - from }
    offset += to - from + 1
  }
  return undefined
}

/** Returns the ranges that are not stored. */
export function missingRanges({ ranges, completeLength }: Parts): readonly PartRange[] {
  const missing: PartRange[] = []
  let next = 0
  for (const [first, last] of ranges) {
    if (next < first) missing.push([next, first - 1])
    next = last + 1
  }
  if (next < completeLength) missing.push([next, completeLength - 1])
  return missing
}

/** Returns the union of both, and the pieces that make up its bytes. If both have a byte, it comes from `received`. */
export function uniteParts(stored: Parts, received: Parts): { parts: Parts; pieces: readonly Piece[] } {
  const fromReceived = segmentsOf('received', received)
  const fromStored = segmentsOf('stored', stored).flatMap((segment) => without(segment, received.ranges))
  const segments = [...fromReceived, ...fromStored].sort((a, b) => a.first - b.first)
  const ranges: [number, number][] = []
  for (const { first, last } of segments) {
    const previous = ranges.at(-1)
    if (previous !== undefined && previous[1] + 1 === first) previous[1] = last
    else ranges.push([first, last])
  }
  const pieces = segments.map(({ from, first, last, offset }) => ({
    from,
    range: { first: offset, last: offset + last - first },
  }))
  return { parts: { ranges, completeLength: stored.completeLength }, pieces }
}

/** A range of the representation, with the position of its first byte in its source. */
interface Segment extends ByteRange {
  readonly from: Piece['from']
  readonly offset: number
}

function segmentsOf(from: Piece['from'], { ranges }: Parts): Segment[] {
  let offset = 0
  return ranges.map(([first, last]) => {
    const segment = { from, first, last, offset }
    offset += last - first + 1
    return segment
  })
}

/** Returns the segment without the bytes in the ranges, which must be sorted. */
function without({ from, first, last, offset }: Segment, ranges: readonly PartRange[]): Segment[] {
  const rest: Segment[] = []
  let next = first
  const keep = (end: number) => {
    if (next <= end) rest.push({ from, first: next, last: end, offset: offset + next - first })
  }
  for (const [start, end] of ranges) {
    if (end < next || last < start) continue
    keep(start - 1)
    next = end + 1
  }
  keep(last)
  return rest
}
