import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { addressKey } from 'pgstash/hono'

/** Cloudflare Workers: Cloudflare sets it, whatever the client sent. */
export const onCloudflare = (c: Context) => addressKey(c.req.header('cf-connecting-ip'))

/** Vercel: Vercel sets it, whatever the client sent. */
export const onVercel = (c: Context) => addressKey(c.req.header('x-real-ip'))

/** Node, reached by clients directly: the address of the connection itself. */
export const inNode = (c: Context) => addressKey(getConnInfo(c).remote.address)

/** Proxies of yours in front of the program, each of which adds the address that it saw at the end. */
const PROXIES = 1

/** Behind them, and reached by nobody past them: counted from the end, as the client can write what it likes at the beginning. */
export const behindProxies = (c: Context) =>
  addressKey(c.req.header('x-forwarded-for')?.split(',').at(-PROXIES)?.trim())
