/* The code that the parts of the page share. All parts are joined into one script and meet on this object. */
const demo = {}

demo.byId = (id) => document.getElementById(id)

/* Creates elements without innerHTML, so data is always text. */
demo.element = (name, attributes = {}, ...children) => {
  const isSvg = demo.svgNames.has(name)
  const element = isSvg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}
demo.svgNames = new Set(['circle', 'g', 'line', 'path', 'polygon', 'polyline', 'rect', 'text', 'title'])

demo.number = (value) => Math.round(value).toLocaleString('en')

demo.kilometres = (km) => `${km < 10 ? km.toFixed(1) : demo.number(km)} km`

demo.milliseconds = (ms) => (ms < 10 ? `${ms.toFixed(1)} ms` : `${demo.number(ms)} ms`)

const regions = new Intl.DisplayNames(['en'], { type: 'region' })
demo.countryName = (code) => {
  try {
    return regions.of(code) ?? code
  } catch {
    return code
  }
}

demo.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/* Announces to screen readers a change that is visible on the page. */
demo.announce = (text) => {
  demo.byId('status').textContent = text
}

/* Announces news that nothing on the page shows: to screen readers, and for some seconds in a line at the top. */
demo.say = (text) => {
  const SHOWN_MS = 4500
  demo.announce(text)
  const line = demo.byId('toast')
  line.textContent = text
  line.classList.add('shown')
  clearTimeout(demo.sayTimer)
  demo.sayTimer = setTimeout(() => line.classList.remove('shown'), SHOWN_MS)
}

/* Sends a request that bypasses the browser's cache. Returns the time it took and the status of the server's cache. */
demo.ask = async (path, options = {}) => {
  const startedAt = performance.now()
  const response = await fetch(path, { cache: 'no-store', ...options })
  const body = await response.json()
  const ms = performance.now() - startedAt
  if (!response.ok) throw new Error(body.error ?? `The server answered ${response.status}.`)
  const cacheStatus = response.headers.get('cache-status') ?? ''
  const outcome = cacheStatus.includes(';hit') ? 'hit' : cacheStatus.includes('fwd=bypass') ? 'bypass' : 'miss'
  return { body, ms, outcome, cacheStatus, age: response.headers.get('age'), etag: response.headers.get('etag') }
}
