/** Values of Next as JSON: Buffers, Maps, and Infinity, which JSON does not have. */

const MARK = '$type'

export function packed(value: unknown): string {
  return JSON.stringify(pack(value))
}

export function unpacked(text: string): unknown {
  return unpack(JSON.parse(text))
}

function pack(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [MARK]: 'bytes', value: [...value] }
  if (value instanceof Map) return { [MARK]: 'map', value: [...value].map(pack) }
  if (value === Number.POSITIVE_INFINITY) return { [MARK]: 'infinity' }
  if (Array.isArray(value)) return value.map(pack)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, own]) => [name, pack(own)]))
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack)
  if (typeof value !== 'object' || value === null) return value
  const { [MARK]: type, value: own } = value as Record<string, unknown>
  if (type === 'bytes') return Buffer.from(own as number[])
  if (type === 'map') return new Map(unpack(own) as [unknown, unknown][])
  if (type === 'infinity') return Number.POSITIVE_INFINITY
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpack(each)]))
}
