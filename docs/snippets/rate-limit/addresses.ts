import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { addressKey } from 'pgstash/hono'

/** On Cloudflare Workers. Cloudflare replaces the field if the client sends one. */
export const onCloudflare = (c: Context) => addressKey(c.req.header('cf-connecting-ip'))

/** On Vercel. Vercel replaces the field if the client sends one. */
export const onVercel = (c: Context) => addressKey(c.req.header('x-real-ip'))

/** On Node, if clients connect directly: the address of the connection. */
export const inNode = (c: Context) => addressKey(getConnInfo(c).remote.address)

/** The number of your own proxies in front of the program. Each appends the address that it saw. */
const PROXIES = 1

/** Behind proxies that nobody can go around. Counts from the end, because the client can write anything at the beginning. */
export const behindProxies = (c: Context) =>
  addressKey(c.req.header('x-forwarded-for')?.split(',').at(-PROXIES)?.trim())
