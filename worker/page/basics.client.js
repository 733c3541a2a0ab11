/* What the parts of the page share. They are put one after the other into one script, so they meet on this object. */
const demo = {}

demo.byId = (id) => document.getElementById(id)

/* Elements without innerHTML: what comes from the data is text, whatever it looks like. */
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

/* Tells screen readers what everybody else sees on the page anyway. */
demo.announce = (text) => {
  demo.byId('status').textContent = text
}

/* Says what can be seen nowhere else: to screen readers, and for a while in a line at the top. */
demo.say = (text) => {
  const SHOWN_MS = 4500
  demo.announce(text)
  const line = demo.byId('toast')
  line.textContent = text
  line.classList.add('shown')
  clearTimeout(demo.sayTimer)
  demo.sayTimer = setTimeout(() => line.classList.remove('shown'), SHOWN_MS)
}

/* One request past the browser's own cache, with the time it took and what the server's cache did. */
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
