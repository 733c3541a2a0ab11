/** Derives the settings of a sharded cache from the settings of its nodes. */
import type { Foundation } from '../../cache/engine.ts'
import type { Codec } from '../../values/codec.ts'
import type { Emit } from '../../values/events.ts'
import type { Deadline } from '../../values/expiration.ts'
import { prefixedKey } from '../../values/key.ts'
import { CACHE_DEFAULT } from '../third-party/expirations.ts'

type Nodes = ReadonlyMap<string, Foundation>
type Locate = (storedKey: string) => string

export function sharedSettings(nodes: Nodes, locate: Locate): Omit<Foundation, 'store' | 'scope'> {
  const all = [...nodes.values()]
  const [first] = all as [Foundation]
  return {
    codec: codecOf(nodes, locate),
    maxValueBytes: Math.min(...all.map(({ maxValueBytes }) => maxValueBytes)),
    expiration: all.every(({ expiration }) => isSame(expiration, first.expiration)) ? first.expiration : CACHE_DEFAULT,
    slack: first.slack,
    emit: emitOf(nodes, locate),
    onEvent: all.find(({ onEvent }) => onEvent !== undefined)?.onEvent,
    waitUntil: all.find(({ waitUntil }) => waitUntil !== undefined)?.waitUntil,
    random: first.random,
    timeoutMs: Math.max(...all.map(({ timeoutMs }) => timeoutMs)),
    // The stores of the nodes absorb failures themselves.
    failsSoft: false,
  }
}

/**
 * Compares default deadlines, which are flat objects. The unknown default of a third party's cache equals only itself.
 */
function isSame(a: Deadline, b: Deadline): boolean {
  if (a === CACHE_DEFAULT || b === CACHE_DEFAULT) return a === b
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Returns a codec that calls the codec of the key's node, with the key as that node stores it. */
function codecOf(nodes: Nodes, locate: Locate): Codec {
  const [first, ...others] = [...nodes.values()] as [Foundation, ...Foundation[]]
  const isShared = others.every(({ codec, scope }) => codec === first.codec && scope.prefix === first.scope.prefix)
  if (isShared && first.scope.prefix === '') return first.codec
  const at = (key: string) => {
    const { codec, scope } = nodes.get(locate(key)) ?? first
    return { codec, context: { key: prefixedKey(scope.prefix, key) } }
  }
  return {
    encode(value, { key }) {
      const { codec, context } = at(key)
      return codec.encode(value, context)
    },
    decode(text, { key }) {
      const { codec, context } = at(key)
      return codec.decode(text, context)
    },
  }
}

/**
 * Sends an event about one key to the listener of its node. Sends an event about several keys once to each listener.
 */
function emitOf(nodes: Nodes, locate: Locate): Emit | undefined {
  const emits = new Map(
    [...nodes.values()].flatMap(({ onEvent, emit }) => (emit === undefined ? [] : [[onEvent, emit] as const])),
  )
  if (emits.size === 0) return undefined
  return (event, key, storedKey) => {
    const node = storedKey === undefined ? undefined : nodes.get(locate(storedKey))
    if (node !== undefined) node.emit?.(event, key, prefixedKey(node.scope.prefix, storedKey ?? ''))
    else for (const emit of emits.values()) emit(event, key)
  }
}
