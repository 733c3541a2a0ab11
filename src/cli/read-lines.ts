/** Reads standard input as text or as lines. */
import { UserError } from './user-error.ts'

type Bytes = AsyncIterable<Uint8Array>

/** The first two bytes of a byte order mark tell the encodings apart. */
const MARK_BYTES = 2

/** @throws UserError if the input is not text */
export async function readText(stream: Bytes): Promise<string> {
  const parts: string[] = []
  for await (const part of decodeText(stream)) parts.push(part)
  return parts.join('')
}

/**
 * Yields the lines of a stream as they arrive. Holds at most one chunk and one line. Only a line feed ends a line:
 * Node's `readline` also ends a line at U+2028, which may occur in JSON.
 *
 * Each line may begin with a byte order mark, because files that begin with one can be concatenated.
 *
 * @throws UserError with the line number, if the input is not text
 */
export async function* readLines(stream: Bytes): AsyncGenerator<string> {
  // A long line arrives in many chunks. Join them once, at the end of the line, not at each chunk.
  let parts: string[] = []
  let line = 1
  for await (const chunk of decodeText(stream, () => line)) {
    const pieces = chunk.split('\n')
    for (const piece of pieces.slice(0, -1)) {
      line++
      yield withoutMark([...parts, piece].join(''))
      parts = []
    }
    parts.push(pieces.at(-1) ?? '')
  }
  const last = parts.join('')
  if (last !== '') yield withoutMark(last)
}

const withoutMark = (text: string) => text.replace(/^\uFEFF/, '')

/**
 * Decodes UTF-8, and UTF-16 if the input begins with its mark: Windows PowerShell redirects text to files in UTF-16.
 *
 * Refuses other bytes, because replacing them would change keys and values silently.
 */
async function* decodeText(stream: Bytes, line?: () => number): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined
  let held = new Uint8Array()
  const decode = (bytes: Uint8Array, isEnd: boolean): string => {
    decoder ??= new TextDecoder(encodingOf(bytes), { fatal: true })
    try {
      return decoder.decode(bytes, { stream: !isEnd })
    } catch {
      throw new UserError(line === undefined ? 'Expected text in UTF-8.' : notText(line() + validLines(bytes)))
    }
  }
  for await (const chunk of stream) {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    if (decoder === undefined && bytes.length < MARK_BYTES) held = Uint8Array.from(bytes)
    else {
      held = new Uint8Array()
      yield decode(bytes, false)
    }
  }
  yield decode(held, true)
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return 'utf-8'
}

const notText = (line: number) => `Line ${line}: expected text in UTF-8.`

const LINE_FEED = 0x0a

/** Counts the complete lines before the first line that is not UTF-8. */
function validLines(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  // The first line may begin in the middle of a character, whose first bytes were in the chunk before.
  let start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80)
  for (let count = 0; ; count++) {
    const end = bytes.indexOf(LINE_FEED, Math.max(0, start))
    if (end === -1) return count
    try {
      decoder.decode(bytes.subarray(start, end))
    } catch {
      return count
    }
    start = end + 1
  }
}
