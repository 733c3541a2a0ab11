/** Keys and values of the benchmarks. */

export interface Value {
  readonly id: number
  readonly items: readonly { readonly id: number; readonly name: string; readonly text: string }[]
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'
const ITEM_TEXT = 40

/** Seeded, so that each provider stores the same. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const WORDS = (() => {
  const next = random(7)
  const letter = () => ALPHABET[Math.floor(next() * ALPHABET.length)]
  return Array.from({ length: 200 }, () => Array.from({ length: 6 }, letter).join(''))
})()

/** Words that repeat, which compress to about a third, as JSON does. */
export function textOf(length: number, seed = 1): string {
  const next = random(seed)
  let text = ''
  while (text.length < length) text += `${WORDS[Math.floor(next() * WORDS.length)]} `
  return text.slice(0, length)
}

const SEEDS = 8
const made = new Map<string, Value>()

/** An object whose JSON has about so many bytes. One of eight, by the seed. */
export function sampleValue(bytes: number, seed = 1): Value {
  const name = `${bytes}:${seed % SEEDS}`
  const value = made.get(name) ?? makeValue(bytes, seed % SEEDS)
  made.set(name, value)
  return value
}

function makeValue(bytes: number, seed: number): Value {
  const items = []
  const frame = JSON.stringify({ id: seed, items: [] }).length
  let length = frame
  for (let i = 0; length < bytes; i++) {
    const room = bytes - length - JSON.stringify({ id: i, name: `item ${i}`, text: '' }).length - 1
    const item = { id: i, name: `item ${i}`, text: textOf(Math.max(1, Math.min(ITEM_TEXT, room)), seed * 1_000 + i) }
    items.push(item)
    length += JSON.stringify(item).length + 1
  }
  return { id: seed, items }
}

export const KILOBYTE = 1_024
export const SIZES = [100, KILOBYTE, 16 * KILOBYTE, 256 * KILOBYTE] as const

export function sizeName(bytes: number): string {
  return bytes < KILOBYTE ? `${bytes} B` : `${bytes / KILOBYTE} KB`
}

const MOST_KEYS = 400
const MOST_BYTES = 4_000_000

/** So many keys that all sizes fill about the same space. */
export function keysFor(bytes: number): string[] {
  const count = Math.max(16, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / bytes)))
  return Array.from({ length: count }, (_, i) => `product:${bytes}:${i}`)
}

export function at<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T
}
