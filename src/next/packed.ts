/** Packs values of Next's incremental cache as JSON and bytes. They may contain Buffers, and Maps of Buffers. */

type Packed = null | boolean | number | string | readonly unknown[] | { readonly [name: string]: Packed }

interface Buffers {
  from(buffer: ArrayBuffer): Uint8Array
}

/** Returns the value as JSON, and adds its bytes to `parts`. Leaves out undefined fields. */
export function pack(value: unknown, parts: Uint8Array[]): Packed {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return ['bytes', parts.push(value) - 1]
  if (value instanceof Map) return ['map', Array.from(value, ([key, item]) => [key, pack(item, parts)])]
  if (Array.isArray(value)) return ['list', value.map((item) => pack(item, parts))]
  if (typeof value !== 'object') return value as Packed
  const fields = Object.entries(value).filter(([, field]) => field !== undefined && typeof field !== 'function')
  return Object.fromEntries(fields.map(([name, field]) => [name, pack(field, parts)]))
}

export function unpack(packed: unknown, parts: readonly Uint8Array[]): unknown {
  if (typeof packed !== 'object' || packed === null) return packed
  if (!Array.isArray(packed)) {
    return Object.fromEntries(Object.entries(packed).map(([name, field]) => [name, unpack(field, parts)]))
  }
  const [kind, content] = packed
  if (kind === 'bytes') return bufferOf(parts[content])
  if (kind === 'list') return (content as unknown[]).map((item) => unpack(item, parts))
  return new Map((content as [string, unknown][]).map(([key, item]) => [key, unpack(item, parts)]))
}

/** Returns a copy, as a Buffer if the runtime has them, because Next calls their methods. */
function bufferOf(part: Uint8Array | undefined): Uint8Array | undefined {
  if (part === undefined) return undefined
  const copy = part.slice()
  const buffers: Buffers | undefined = Reflect.get(globalThis, 'Buffer')
  return buffers?.from(copy.buffer as ArrayBuffer) ?? copy
}
