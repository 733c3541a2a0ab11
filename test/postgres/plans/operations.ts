/** Collects every operation that the source declares. A new operation without a pinned plan fails the test. */
import { readdir } from 'node:fs/promises'
import type { Operation } from '../../../src/postgres/operation.ts'

const FOLDERS = ['operations', 'responses']

export async function allOperations(): Promise<Map<string, Operation<unknown>>> {
  const found = new Map<string, Operation<unknown>>()
  for (const folder of FOLDERS) {
    const url = new URL(`../../../src/postgres/${folder}/`, import.meta.url)
    for (const file of await readdir(url)) {
      const exported: object = await import(/* @vite-ignore */ new URL(file, url).href)
      for (const operation of operationsIn(Object.values(exported))) {
        const known = found.get(operation.name)
        if (known !== undefined && known !== operation) throw new Error(`Two operations are called ${operation.name}.`)
        found.set(operation.name, operation)
      }
    }
  }
  return found
}

/** Operations are exported directly, or in objects by scope and state. */
function* operationsIn(values: unknown[]): Generator<Operation<unknown>> {
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue
    if ('build' in value && 'columns' in value) yield value as Operation<unknown>
    else yield* operationsIn(Object.values(value))
  }
}
