/** Listens until the connection ends, and does nothing else. */
import pg from 'pg'
import { listen, memoryCache, tieredCache } from 'pgstash'

const [url, how] = process.argv.slice(2)

async function main() {
  const cache = tieredCache({ l1: memoryCache(), l2: memoryCache(), l1Expiration: '1h' })
  const clients: pg.Client[] = []
  const listening = listen(cache, {
    channel: 'cache',
    heartbeat: '1m',
    timeout: '1m',
    connect() {
      const client = new pg.Client(url)
      clients.push(client)
      return client
    },
  })
  if (how === 'wait') await listening.ready
  // From here on, only timers could keep the process alive. The types of pg lack this method.
  for (const client of clients) Object(client).unref()
  process.stdout.write('ready')
}

main()
