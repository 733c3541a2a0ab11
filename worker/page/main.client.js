/* Puts the parts of the page together. */
demo.start = async () => {
  const REFRESH_MS = 3000
  const MANY = 20
  const GROWTH = 1000
  const presets = [
    ['Paris', 48.85, 2.35],
    ['Lagos', 6.45, 3.39],
    ['Mumbai', 19.07, 72.88],
    ['Tokyo', 35.69, 139.69],
    ['New York', 40.71, -74.01],
    ['Ushuaia', -54.8, -68.3],
    ['Tromsø', 69.65, 18.96],
  ]
  const { byId, ask, say, announce } = demo
  const plot = demo.createPlot(byId('plot'), byId('medians'))
  const shelf = demo.createShelf(byId('entries'), byId('expired'))
  const map = demo.createMap(byId('map'), choose)
  demo.createSearch(byId('search'), byId('found'), choose)
  let place
  let answer

  const rounded = (degrees) => Math.round(degrees * 100) / 100
  const nearPath = ({ lat, lng }) => `/cities/near?lat=${lat}&lng=${lng}`

  async function askNear() {
    const asked = place
    const path = nearPath(asked)
    const result = await ask(path)
    plot.add({ path, ms: result.ms, outcome: result.outcome })
    if (asked !== place) return result
    answer = result.body
    demo.showAnswer(asked, result)
    map.show(asked, result.body.cities)
    return result
  }

  async function choose(chosen) {
    await point(chosen)
    await detail()
  }

  async function point({ lat, lng }) {
    place = { lat: rounded(lat), lng: rounded(lng) }
    answer = undefined
    history.replaceState(null, '', `#${place.lat},${place.lng}`)
    markPreset()
    map.show(place, [])
    await attempt(async () => {
      const { outcome, ms, body } = await askNear()
      const [first] = body.cities
      if (first) announce(`${outcome} in ${demo.milliseconds(ms)}: ${first.name}, ${demo.kilometres(first.km)} away`)
    })
  }

  async function detail() {
    const asked = place
    await attempt(async () => {
      const [first] = answer?.cities ?? []
      const country = first && (await ask(`/cities/countries/${first.country}`))
      const sun = await ask(`/sun?lat=${asked.lat}&lng=${asked.lng}`)
      if (asked !== place) return
      if (country) demo.showCountry(country.body)
      demo.showSun(sun.body)
    })
    await refresh()
  }

  function markPreset() {
    for (const [index, [, lat, lng]] of presets.entries()) {
      const isIt = lat === place.lat && lng === place.lng
      byId('presets').children[index].setAttribute('aria-pressed', String(isIt))
    }
  }

  async function attempt(work) {
    try {
      return await work()
    } catch (error) {
      say(error.message)
    }
  }

  async function refresh(why) {
    try {
      return shelf.show((await ask('/entries')).body, why)
    } catch {
      return []
    }
  }

  async function showHealth() {
    const health = byId('health')
    try {
      const { body } = await ask('/health')
      health.textContent = `answers in ${body.latencyMs} ms`
      health.className = 'good'
    } catch {
      health.textContent = 'away'
      health.className = 'bad'
    }
  }

  async function changeCity() {
    const [first] = answer?.cities ?? []
    if (first === undefined) return
    await refresh()
    const population = first.population + GROWTH
    const options = {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ population }),
    }
    const { body } = await ask(`/cities/${first.id}`, options)
    const dropped = await refresh(`dropped by ${body.invalidated[0]}`)
    first.population = body.city.population
    const answers = dropped.length === 1 ? 'one answer was' : `${dropped.length} answers were`
    say(`${first.name} now has ${demo.number(population)} people: ${answers} dropped.`)
  }

  async function cleanUp() {
    const { body } = await ask('/cleanup', { method: 'POST' })
    say(body.removed === 1 ? 'The cleanup removed one entry.' : `The cleanup removed ${body.removed} entries.`)
    await refresh()
  }

  function onPress(id, work) {
    const button = byId(id)
    button.addEventListener('click', async () => {
      button.disabled = true
      await attempt(work)
      button.disabled = false
      button.focus()
      await refresh()
    })
  }

  onPress('again', async () => {
    const { outcome, ms } = await askNear()
    announce(`${outcome} in ${demo.milliseconds(ms)}`)
  })
  onPress('twenty', async () => {
    for (let asked = 0; asked < MANY; asked++) await askNear()
    announce(`Asked ${MANY} times.`)
  })
  onPress('change', changeCity)
  onPress('clean', cleanUp)
  byId('here').addEventListener('click', () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => choose({ lat: coords.latitude, lng: coords.longitude }),
      () => say('Your browser did not tell where you are.'),
    )
  })
  for (const [name, lat, lng] of presets) {
    const chip = demo.element('button', { type: 'button', 'aria-pressed': 'false' }, name)
    chip.addEventListener('click', () => choose({ lat, lng }))
    byId('presets').append(chip)
  }
  setInterval(() => {
    if (!document.hidden) refresh()
  }, REFRESH_MS)

  const [, lat, lng] = /^#(-?[\d.]+),(-?[\d.]+)$/.exec(location.hash) ?? [null, '48.85', '2.35']
  /* Runs first and alone, so that the measured request waits for no other. */
  await point({ lat: Number(lat), lng: Number(lng) })
  const drawn = attempt(async () => map.setGrid((await ask('/cities/map')).body))
  attempt(async () => {
    byId('views').textContent = demo.number((await ask('/views')).body.views)
  })
  await Promise.all([drawn, detail()])
  /* Runs last and alone. Beside the query for the map, it would measure the queue. */
  await showHealth()
}

demo.start()
