/**
 * The part of Upstash's REST protocol that its client needs for a cache: one command or a pipeline of commands by POST.
 *
 * It passes them on to a Redis server if there is one. Otherwise it keeps the values in memory.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@keyv/redis'
import { answer } from '../harness/child.ts'

type Command = readonly (string | number)[]
type Execute = (command: Command) => Promise<unknown>

async function overRedis(url: string): Promise<Execute> {
  const client = createClient({ url })
  await client.connect()
  return (command) => client.sendCommand(command.map(String))
}

function inMemory(): Execute {
  const values = new Map<string, { text: string; endsAt: number }>()
  const read = (key: string) => {
    const found = values.get(key)
    return found && found.endsAt > Date.now() ? found.text : null
  }
  const write = (key: string, text: string, seconds = Number.POSITIVE_INFINITY) =>
    values.set(key, { text, endsAt: Date.now() + seconds * 1_000 })
  return async ([name, ...args]) => {
    const texts = args.map(String)
    const [key = '', second = ''] = texts
    switch (String(name).toUpperCase()) {
      case 'GET':
        return read(key)
      case 'SET':
        write(key, second, texts[2]?.toUpperCase() === 'EX' ? Number(texts[3]) : undefined)
        return 'OK'
      case 'MGET':
        return texts.map(read)
      case 'INCRBY': {
        const sum = Number(read(key) ?? 0) + Number(second)
        write(key, String(sum))
        return sum
      }
      case 'EXPIRE': {
        const text = read(key)
        if (text !== null) write(key, text, Number(second))
        return text === null ? 0 : 1
      }
      default:
        throw new Error(`The stand-in for Redis does not know ${name}.`)
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** The client asks for base64, because Upstash's JSON cannot hold every text. */
function encoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(encoded)
  return typeof value === 'string' && value !== 'OK' ? Buffer.from(value).toString('base64') : value
}

answer(async ({ redis }: { redis: string | undefined }) => {
  const execute = redis === undefined ? inMemory() : await overRedis(redis)
  const server = createServer(async (request, response) => {
    const isEncoded = request.headers['upstash-encoding'] === 'base64'
    const run = async (command: Command) => {
      try {
        const result = await execute(command)
        return { result: isEncoded ? encoded(result) : result }
      } catch (error) {
        return { error: (error as Error).message }
      }
    }
    const body = JSON.parse(await bodyOf(request))
    const isPipeline = request.url?.endsWith('/pipeline') || request.url?.endsWith('/multi-exec')
    const result = isPipeline ? await Promise.all((body as Command[]).map(run)) : await run(body as Command)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(result))
  })
  server.keepAliveTimeout = 65_000
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
})
