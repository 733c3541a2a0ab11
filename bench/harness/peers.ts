/** Opens the peers that a question compares. */
import type { Bench } from './bench.ts'
import type { Checkout } from './checkout.ts'
import type { Line, OpenProvider, Peer, Provider } from './provider.ts'

/** In the order in which tables show them, behind pgstash. A name is that of a file below bench/peers. */
const PEERS = [
  'pg',
  'neon',
  'keyv-postgres',
  'bentocache',
  'cache-manager',
  'unstorage',
  'upstash',
  'keyv-redis',
  'lru-cache',
  'keyv-memory',
  'cacheable',
  'ocache',
]

export async function allPeers(checkouts: readonly Checkout[]): Promise<Peer[]> {
  const load = (name: string) => import(new URL(`../peers/${name}.ts`, import.meta.url).href)
  const { peerOf } = (await load('pgstash')) as { peerOf(checkout: Checkout): Peer }
  const peers = await Promise.all(PEERS.map((name) => load(name)))
  return [...checkouts.map(peerOf), ...peers.map(({ default: peer }) => peer as Peer)]
}

export interface Opened {
  readonly providers: readonly OpenProvider[]
  /** Why a peer is missing, by its name. */
  readonly absent: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** @param can which providers can answer the question */
export async function openProviders(
  bench: Bench,
  line: Line,
  can: (provider: Provider) => unknown,
  reason = 'has no such call',
): Promise<Opened> {
  const providers: OpenProvider[] = []
  const absent: Record<string, string> = {}
  for (const peer of await allPeers(bench.checkouts)) {
    if (!peer.transports.includes(line.transport)) continue
    const connect = await peer.prepare(bench, line)
    if (typeof connect === 'string') {
      absent[peer.name] = connect
      continue
    }
    const provider = await connect()
    if (can(provider)) providers.push(Object.assign(provider, { name: peer.name }))
    else {
      absent[peer.name] = reason
      await provider.close?.()
    }
  }
  return {
    providers,
    absent,
    async close() {
      // @keyv/postgres keeps one pool for all instances, which can be closed only once.
      for (const provider of providers) await provider.close?.().catch(() => {})
    },
  }
}
