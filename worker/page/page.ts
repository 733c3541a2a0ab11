import answer from './answer.client.js'
import basics from './basics.client.js'
import compass from './compass.client.js'
import main from './main.client.js'
import map from './map.client.js'
import style from './page.css'
import html from './page.html'
import plot from './plot.client.js'
import search from './search.client.js'
import shelf from './shelf.client.js'

// The order matters: the first script creates an object, each adds its part, and the last uses them all.
const script = [basics, map, search, compass, answer, plot, shelf, main].join('\n')

/** The page, complete. */
export function renderPage(nonce: string): string {
  return html
    .replaceAll('__NONCE__', nonce)
    .replace('/*__STYLE__*/', () => style)
    .replace('/*__SCRIPT__*/', () => script)
}
