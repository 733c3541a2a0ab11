/**
 * Turns parameters into text, and lists into JSON text, because all drivers send only text in the same way. They differ
 * for arrays, and a program can replace the serializer of a type.
 */
export function wireValues(values: Record<string, unknown>): Record<string, string | null> {
  const sent: Record<string, string | null> = {}
  for (const name in values) {
    const value = values[name]
    if (typeof value === 'string') sent[name] = value
    else if (value === null || value === undefined) sent[name] = null
    else sent[name] = typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
  return sent
}
