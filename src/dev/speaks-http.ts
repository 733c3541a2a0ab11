/** Distinguishes a local Neon from a Postgres server, in Node. */
import * as net from 'node:net'
import { loopbackAddress } from '../local-neon/loopback.ts'
import { speaksHttp as asksAddress } from '../local-neon/speaks-http.ts'

/** Returns true if an HTTP server listens at this loopback host. Returns false for other hosts, without a request. */
export async function speaksHttp(host: string, port: number): Promise<boolean> {
  const address = loopbackAddress(host)
  if (address === undefined) return false
  return asksAddress(address, port, net).catch(() => false)
}
