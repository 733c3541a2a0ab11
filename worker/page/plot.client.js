/* Response times on a logarithmic scale, one mark for each answer. Hits are round. */
demo.createPlot = (svg, words) => {
  const KEPT = 80
  const MARGIN = { left: 60, right: 74, top: 10, bottom: 12 }
  const samples = []

  function median(outcome) {
    const times = samples
      .filter((sample) => sample.outcome === outcome)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b)
    return times.length === 0 ? undefined : (times[(times.length - 1) >> 1] + times[times.length >> 1]) / 2
  }

  function mark({ outcome, ms, path }, cx, cy) {
    const title = demo.element('title', {}, `${outcome}, ${demo.milliseconds(ms)}, ${path}`)
    if (outcome === 'hit') return demo.element('circle', { class: 'hit', cx, cy, r: 4.5 }, title)
    const points = `${cx},${cy - 6.5} ${cx + 6.5},${cy} ${cx},${cy + 6.5} ${cx - 6.5},${cy}`
    return demo.element('polygon', { class: outcome, points }, title)
  }

  function draw() {
    const { width, height } = svg.getBoundingClientRect()
    if (width === 0) return
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
    const times = samples.map(({ ms }) => ms)
    const low = Math.min(2, ...times) * 0.8
    const high = Math.max(500, ...times) * 1.25
    const share = (ms) => Math.log(ms / low) / Math.log(high / low)
    const y = (ms) => height - MARGIN.bottom - share(ms) * (height - MARGIN.top - MARGIN.bottom)
    const room = width - MARGIN.left - MARGIN.right
    const x = (index) => MARGIN.left + 10 + (index * (room - 20)) / Math.max(30, samples.length - 1)
    const shapes = []
    for (const ms of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].filter((ms) => ms > low && ms < high)) {
      const line = { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(ms), y2: y(ms) }
      shapes.push(demo.element('line', line))
      shapes.push(demo.element('text', { x: MARGIN.left - 8, y: y(ms) + 4, 'text-anchor': 'end' }, `${ms} ms`))
    }
    for (const outcome of ['hit', 'miss']) {
      const ms = median(outcome)
      if (ms === undefined) continue
      const line = { class: `median ${outcome}`, x1: MARGIN.left, x2: width - MARGIN.right, y1: y(ms), y2: y(ms) }
      shapes.push(demo.element('line', line))
      shapes.push(
        demo.element('text', { class: outcome, x: width - MARGIN.right + 6, y: y(ms) + 4 }, demo.milliseconds(ms)),
      )
    }
    shapes.push(...samples.map((sample, index) => mark(sample, x(index), y(sample.ms))))
    svg.replaceChildren(...shapes)
    tell()
  }

  function tell() {
    const parts = ['hit', 'miss', 'bypass'].flatMap((outcome) => {
      const ms = median(outcome)
      if (ms === undefined) return []
      const count = samples.filter((sample) => sample.outcome === outcome).length
      const name = {
        hit: count === 1 ? 'hit' : 'hits',
        miss: count === 1 ? 'miss' : 'misses',
        bypass: 'past the cache',
      }
      const strong = demo.element('strong', {}, demo.milliseconds(ms))
      return [demo.element('span', { class: outcome }, `${count} ${name[outcome]}, median `, strong)]
    })
    const [hit, miss] = [median('hit'), median('miss')]
    if (hit && miss) parts.push(demo.element('b', {}, `${(miss / hit).toFixed(miss / hit < 10 ? 1 : 0)} times faster`))
    words.replaceChildren(...parts)
    svg.setAttribute('aria-label', `Response times: ${parts.map((part) => part.textContent).join('; ')}`)
  }

  new ResizeObserver(draw).observe(svg)
  return {
    add(sample) {
      samples.push(sample)
      if (samples.length > KEPT) samples.shift()
      draw()
    },
  }
}
