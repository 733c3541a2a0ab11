/** A store in the memory of this process: always bounded, and synchronous. */
import type { Store } from '../../store/store.ts'
import { filling } from './filling.ts'
import { inspecting } from './inspecting.ts'
import { reading } from './reading.ts'
import { removing } from './removing.ts'
import type { MemoryStorage } from './storage.ts'
import { writing } from './writing.ts'

export function memoryStore(storage: MemoryStorage): Store {
  return {
    isLocal: true,
    position: () => storage.tagLog.snapshot(),
    ...reading(storage),
    ...writing(storage),
    ...removing(storage),
    ...inspecting(storage),
    ...filling(storage),
  }
}
