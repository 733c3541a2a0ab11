/**
 * The lines of a stream, each as it comes: no more is held than a chunk and a line. Ends are line feeds only; Node's own
 * `readline` ends a line at U+2028 as well, which JSON may hold.
 */
export async function* readLines(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  stream.setEncoding('utf8')
  // A long line comes in many chunks: joined once, and not at each of them.
  let parts: string[] = []
  for await (const chunk of stream as AsyncIterable<string>) {
    const pieces = chunk.split('\n')
    for (const piece of pieces.slice(0, -1)) {
      yield [...parts, piece].join('')
      parts = []
    }
    parts.push(pieces.at(-1) ?? '')
  }
  const last = parts.join('')
  if (last !== '') yield last
}
