import { Command, InvalidArgumentError } from 'commander'
import { StartError } from './start-error.mjs'

const DEFAULT_PORT = 8787
const DEFAULT_DATA_DIR = '.pgstash'
const MAX_PORT = 65_535

/**
 * The options of `npm start`. Flags take precedence over environment variables.
 *
 * @returns {{ port: number, databaseUrl: string | undefined, dataDir: string, cities: number | undefined }}
 */
export function readOptions(argv = process.argv, env = process.env) {
  const program = new Command('npm start --')
    .description('Starts the demonstration: Postgres, an endpoint that speaks Neon’s HTTP protocol, and the worker.')
    .option('--port <number>', `where the worker listens (or PORT; default ${DEFAULT_PORT})`, portNumber)
    .option('--database-url <url>', 'a real Postgres instead of the embedded one (or DATABASE_URL)')
    .option('--data-dir <path>', 'the folder of the embedded Postgres', DEFAULT_DATA_DIR)
    .allowExcessArguments(false)
  // Tests load a part of the world to save time.
  program.addOption(program.createOption('--cities <number>').argParser(cityCount).hideHelp())
  const { port, databaseUrl = env.DATABASE_URL, dataDir, cities } = program.parse(argv).opts()
  return { port: port ?? portFrom(env.PORT), databaseUrl: checkedUrl(databaseUrl), dataDir, cities }
}

function portFrom(given) {
  if (given === undefined || given === '') return DEFAULT_PORT
  try {
    return portNumber(given)
  } catch (error) {
    throw new StartError(`PORT: ${error.message}`)
  }
}

function portNumber(given) {
  const port = Number(given)
  if (/^\d+$/.test(given) && port >= 1 && port <= MAX_PORT) return port
  throw new InvalidArgumentError(`Expected a port from 1 to ${MAX_PORT}.`)
}

function cityCount(given) {
  if (/^[1-9]\d*$/.test(given)) return Number(given)
  throw new InvalidArgumentError('Expected a whole number of at least 1.')
}

// Messages never repeat the URL, because it may hold a password.
function checkedUrl(given) {
  if (given === undefined || given === '') return undefined
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.protocol === 'postgres:' || url?.protocol === 'postgresql:') return given
  throw new StartError('Expected the database URL to look like postgres://user:password@host:5432/name.')
}
