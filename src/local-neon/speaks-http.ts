/**
 * Distinguishes a local Neon from a Postgres server. Both may listen on a loopback address, and a URL does not say
 * which.
 */

/** Postgres answers `S` or `N`, and does not log the request. An HTTP server answers with a status line for 400. */
const SSL_REQUEST = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]
/** Both answer at once. A server that sends nothing is neither. */
const TIMEOUT_MS = 2_000

/** The part of `node:net` that is used here. */
interface Net {
  connect(options: { host: string; port: number; timeout: number }, listener: () => void): Socket
}

interface Socket {
  write(bytes: Uint8Array): unknown
  destroy(): unknown
  once(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  once(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'timeout' | 'close', listener: () => void): unknown
}

/**
 * Resolves to true if an HTTP server listens on this address.
 *
 * Resolves to false if `node:net` is not available, as in Node 20.15 and older.
 *
 * @throws the socket's error if nothing listens
 */
export function speaksHttp(address: string, port: number, net: Net | undefined = builtinNet()): Promise<boolean> {
  if (net === undefined) return Promise.resolve(false)
  const host = address.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: TIMEOUT_MS }, () => socket.write(Uint8Array.from(SSL_REQUEST)))
    const answer = (isHttp: boolean) => {
      socket.destroy()
      resolve(isHttp)
    }
    socket.once('data', (bytes) => answer(String.fromCharCode(...bytes.subarray(0, 4)) === 'HTTP'))
    socket.once('error', reject)
    for (const event of ['timeout', 'close'] as const) socket.once(event, () => answer(false))
  })
}

/** Does not import the module, because bundles for the edge cannot resolve it. */
function builtinNet(): Net | undefined {
  const { getBuiltinModule } = Object(Reflect.get(globalThis, 'process'))
  return typeof getBuiltinModule === 'function' ? getBuiltinModule('node:net') : undefined
}
