/** A real browser, if the machine has one. */
import { existsSync } from 'node:fs'

const PLACES = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Undefined if none was found. */
export const chromiumPath = PLACES.find((path) => path !== undefined && existsSync(path))

/** Allows no network but that of the test. There is no sandbox, because it needs rights that containers lack. */
export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
