/* The nearest cities around the chosen place, by direction and distance. The size of a mark shows the population. */
demo.drawCompass = (svg, place, cities) => {
  const RADIUS = 140
  const farthest = Math.max(0.1, ...cities.map((city) => city.km))
  const scale = RADIUS / farthest
  const shapes = []
  const add = (name, attributes, ...children) => shapes.push(demo.element(name, attributes, ...children))

  for (const km of rings(farthest)) add('circle', { class: 'ring', r: km * scale })
  const points = cities.map((city) => {
    const angle = bearing(place, city)
    const [px, py] = [Math.sin(angle) * city.km * scale, -Math.cos(angle) * city.km * scale]
    const r = Math.min(17, Math.max(3.5, Math.sqrt(city.population) / 90))
    return { city, px, py, r }
  })
  for (const { px, py } of points) add('line', { class: 'spoke', x1: 0, y1: 0, x2: px, y2: py })
  const names = labels(points)
  const distances = ringLabels([...names.map(({ box }) => box), ...points.map(boxOfPoint)])
  for (const { text, x, y } of distances) add('text', { class: 'km', x, y: y + 4, 'text-anchor': 'middle' }, text)
  for (const { city, px, py, r } of points) {
    const title = demo.element('title', {}, `${city.name}, ${demo.kilometres(city.km)}`)
    add('circle', { class: 'city', cx: px, cy: py, r }, title)
  }
  for (const { city, x, y, anchor } of names) {
    add('text', { class: 'name', x, y, 'text-anchor': anchor }, city.name)
  }
  add('path', { class: 'centre', d: 'M-6 0H6M0 -6V6' })
  svg.replaceChildren(...shapes)
  svg.setAttribute('aria-label', `The nearest cities around the place, up to ${demo.kilometres(farthest)} away`)

  /* Two or three circles at round distances. */
  function rings(limit) {
    const power = 10 ** Math.floor(Math.log10(limit))
    const step = [5, 2, 1, 0.5].map((factor) => factor * power).find((size) => limit / size >= 2) ?? power / 2
    return Array.from({ length: Math.floor(limit / step) }, (_, i) => (i + 1) * step).slice(0, 4)
  }

  /* Writes all labels in the direction in which they cover the fewest names and cities. It prefers the one below the centre. */
  function ringLabels(taken) {
    const DIRECTIONS = [4, 2, 3, 5, 6, 0, 1, 7, 3.5, 4.5, 2.5, 5.5, 1.5, 6.5, 0.5, 7.5]
    const candidates = DIRECTIONS.map((eighths) => {
      const angle = (eighths * Math.PI) / 4
      const placed = rings(farthest).map((km) => {
        const text = demo.kilometres(km).replace('.0', '')
        const [x, y] = [Math.sin(angle) * km * scale, -Math.cos(angle) * km * scale]
        const half = text.length * 3 + 3
        return { text, x, y, box: { left: x - half, right: x + half, top: y - 9, bottom: y + 9 } }
      })
      const met = placed.map(({ box }) => taken.filter((other) => meet(box, other)).length)
      return { placed, met: met.reduce((sum, count) => sum + count, 0) }
    })
    return candidates.reduce((best, candidate) => (candidate.met < best.met ? candidate : best)).placed
  }

  function boxOfPoint({ px, py, r }) {
    return { left: px - r, right: px + r, top: py - r, bottom: py + r }
  }

  function meet(a, b) {
    return a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top
  }

  function bearing(from, to) {
    const radians = (degrees) => (degrees * Math.PI) / 180
    const [lat1, lat2, dLng] = [radians(from.lat), radians(to.lat), radians(to.lng - from.lng)]
    const east = Math.sin(dLng) * Math.cos(lat2)
    return Math.atan2(east, Math.cos(lat1) * Math.sin(lat2) - Math.sin(lat1) * Math.cos(lat2) * Math.cos(dLng))
  }

  /* The most populous come first. A name that would cover another is left out, because the list has it. */
  function labels(all) {
    const taken = [{ left: -14, right: 14, top: -12, bottom: 12 }]
    const placed = []
    for (const point of [...all].sort((a, b) => b.city.population - a.city.population)) {
      const width = point.city.name.length * 6.2
      const toRight = point.px <= 60
      const x = point.px + (toRight ? point.r + 4 : -point.r - 4)
      const y = point.py + 4
      const box = { left: toRight ? x : x - width, right: toRight ? x + width : x, top: y - 12, bottom: y + 3 }
      if (box.left < -165 || box.right > 165) continue
      if (taken.some((other) => meet(box, other))) continue
      taken.push(box)
      placed.push({ city: point.city, box, x, y, anchor: toRight ? 'start' : 'end' })
    }
    return placed
  }
}
