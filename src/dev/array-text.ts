/** Parses Postgres's text form of arrays, as Neon's proxy does for answers without raw text. */

/** The text is not an array. This is an internal error, because Postgres wrote the text. */
export class MalformedArrayError extends Error {}

/**
 * Turns `{1,NULL,{"a b"}}` into JSON text; `element` writes one element.
 *
 * As in Neon, it drops bounds such as `[0:1]=`, and the delimiter is always a comma, which is wrong for `box[]`.
 */
export function arrayTextToJson(text: string, element: (text: string) => string): string {
  const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0
  const reader = new ArrayReader(text, start, element)
  const json = reader.array()
  if (reader.position !== text.length) throw new MalformedArrayError('Expected the array to end.')
  return json
}

class ArrayReader {
  position: number
  readonly #text: string
  readonly #element: (text: string) => string

  constructor(text: string, position: number, element: (text: string) => string) {
    this.#text = text
    this.position = position
    this.#element = element
  }

  array(): string {
    this.#expect('{')
    const items: string[] = []
    if (this.#text[this.position] === '}') {
      this.position++
      return '[]'
    }
    do items.push(this.#item())
    while (this.#skip(','))
    this.#expect('}')
    return `[${items.join(',')}]`
  }

  #item(): string {
    const first = this.#text[this.position]
    if (first === '{') return this.array()
    if (first === '"') return this.#element(this.#quoted())
    const pattern = /[^,}]*(?=[,}])/suy
    pattern.lastIndex = this.position
    const item = pattern.exec(this.#text)?.[0]
    if (item === undefined) throw new MalformedArrayError('Expected a delimiter.')
    this.position += item.length
    return item === 'NULL' ? 'null' : this.#element(item)
  }

  #quoted(): string {
    const pattern = /"((?:[^"\\]|\\.)*)"/suy
    pattern.lastIndex = this.position
    const match = pattern.exec(this.#text)
    if (match?.[1] === undefined) throw new MalformedArrayError('Expected a closing quote.')
    this.position = pattern.lastIndex
    return match[1].replace(/\\(.)/gsu, '$1')
  }

  #skip(char: string): boolean {
    if (this.#text[this.position] !== char) return false
    this.position++
    return true
  }

  #expect(char: string): void {
    if (!this.#skip(char)) throw new MalformedArrayError(`Expected ${char}`)
  }
}
