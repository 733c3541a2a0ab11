/* The answers about a place. */
demo.showAnswer = (place, { body, ms, outcome, cacheStatus, age, etag }) => {
  const [first] = body.cities
  const title = first === undefined ? 'Nobody here' : `${first.name}, ${demo.countryName(first.country)}`
  demo.byId('answer-title').textContent = title
  const stamp = demo.byId('stamp')
  stamp.hidden = false
  stamp.className = `stamp ${outcome}`
  stamp.textContent = `${outcome} · ${demo.milliseconds(ms)}`
  demo.byId('headers').textContent = demo.headerWords({ cacheStatus, age, etag })
  const around = body.around.map(({ km, places }) => `${demo.number(places)} within ${demo.number(km)} km`)
  demo.byId('around').textContent = `Places around: ${around.join(', ')}.`
  demo
    .byId('cities')
    .replaceChildren(
      ...body.cities.map((city) =>
        demo.element(
          'li',
          {},
          demo.element('b', {}, city.name),
          demo.element(
            'small',
            {},
            city.population > 0 ? `${demo.number(city.population)} people` : 'population unknown',
          ),
          demo.element('small', { class: 'km' }, demo.kilometres(city.km)),
        ),
      ),
    )
  demo.drawCompass(demo.byId('compass'), place, body.cities)
}

/* Shows only headers that the response has. A miss has no Age. */
demo.headerWords = ({ cacheStatus, age, etag }) =>
  [
    cacheStatus && `Cache-Status: ${cacheStatus}`,
    age === null ? '' : `Age: ${age}`,
    etag && `ETag: ${etag.length > 10 ? `${etag.slice(0, 9)}…"` : etag}`,
  ]
    .filter(Boolean)
    .join(' · ')

demo.showCountry = (found) => {
  const { country, places, people, medianPlace, capital, remotest, kmToCapital, kmToLargeCity, shareOfTenLargest } =
    found
  demo.byId('country-title').textContent = demo.countryName(country)
  const facts = [
    ['places', demo.number(places), `half of them below ${demo.number(medianPlace)} people`],
    ['people in them', demo.number(people), `${demo.number((shareOfTenLargest ?? 0) * 100)}% in the ten largest`],
    [
      'to the capital',
      capital && kmToCapital !== null ? demo.kilometres(kmToCapital) : 'none known',
      capital?.name ?? '',
    ],
    [
      'to a city of 500,000',
      kmToLargeCity === null ? 'none there' : demo.kilometres(kmToLargeCity),
      remotest ? `at most ${demo.kilometres(remotest.km)}, from ${remotest.name}` : '',
    ],
  ]
  demo
    .byId('country')
    .replaceChildren(
      ...facts.map(([name, value, small]) =>
        demo.element(
          'div',
          {},
          demo.element('dt', {}, name),
          demo.element('dd', {}, value, demo.element('small', {}, small)),
        ),
      ),
    )
}

/* Puts solar noon into the middle, so that places differ by their longitude only. */
demo.showSun = ({ place, days }) => {
  const HEIGHT = 120
  const minuteY = (minute) => HEIGHT - (minute / 1440) * HEIGHT
  const local = (minute) => minute + place.lng * 4
  const bands = days.map(({ rise, set, light }, day) => {
    const [from, to] = rise === null ? [720 - light / 2, 720 + light / 2] : [local(rise), local(set)]
    return `M${day} ${minuteY(from)}V${minuteY(to)}h1.05V${minuteY(from)}z`
  })
  const today = Math.floor((Date.now() - Date.UTC(new Date().getUTCFullYear(), 0, 1)) / 86_400_000)
  const svg = demo.byId('sun')
  svg.setAttribute('viewBox', `0 0 ${days.length} ${HEIGHT}`)
  svg.replaceChildren(
    demo.element('path', { class: 'light', d: bands.join('') }),
    demo.element('line', { class: 'today', x1: today, x2: today, y1: 0, y2: HEIGHT }),
  )
  const hours = (minutes) => `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`
  const lights = days.map(({ light }) => light)
  const words = `${hours(lights[today])} today; from ${hours(Math.min(...lights))} to ${hours(Math.max(...lights))}.`
  demo.byId('sun-words').textContent = words
  svg.setAttribute('aria-label', `Daylight through the year: ${words}`)
}
