/* The world, drawn by where people live. Each inhabited cell of a quarter of a degree is a dot, and more people make it brighter. */
demo.createMap = (frame, onChoose) => {
  const canvas = frame.querySelector('canvas')
  const NORTH = 82
  const SOUTH = -56
  /* Levels are tenths of a decimal logarithm: 30 is a thousand people, 70 ten million. */
  const [FAINT, BRIGHT] = [30, 70]
  const context = canvas.getContext('2d')
  frame.tabIndex = 0
  const lights = document.createElement('canvas')
  let grid
  let place = { lat: 48.85, lng: 2.35 }
  let cursor
  let cities = []

  const x = (lng) => ((lng + 180) / 360) * canvas.width
  const y = (lat) => ((NORTH - lat) / (NORTH - SOUTH)) * canvas.height

  function drawLights() {
    lights.width = canvas.width
    lights.height = canvas.height
    if (grid === undefined) return
    const paint = lights.getContext('2d')
    const low = demo.colour('--map-low').split(',').map(Number)
    const high = demo.colour('--map-high').split(',').map(Number)
    const size = Math.max(1, (canvas.width / grid.columns) * 0.86)
    let cell = 0
    grid.steps.forEach((step, index) => {
      cell += step
      const share = Math.min(1, Math.max(0, (grid.levels[index] - FAINT) / (BRIGHT - FAINT)))
      const [r, g, b] = low.map((from, i) => Math.round(from + (high[i] - from) * share))
      const lat = 90 - (Math.floor(cell / grid.columns) + 0.5) * grid.cellDegrees
      const lng = ((cell % grid.columns) + 0.5) * grid.cellDegrees - 180
      paint.fillStyle = `rgba(${r}, ${g}, ${b}, ${0.4 + 0.6 * share})`
      const side = size * (1 + 0.9 * share * share)
      paint.fillRect(x(lng) - side / 2, y(lat) - side / 2, side, side)
    })
  }

  function drawCross({ lat, lng }, radius, dash) {
    const [cx, cy] = [x(lng), y(lat)]
    context.setLineDash(dash)
    context.beginPath()
    context.moveTo(0, cy)
    context.lineTo(cx - radius, cy)
    context.moveTo(cx + radius, cy)
    context.lineTo(canvas.width, cy)
    context.moveTo(cx, 0)
    context.lineTo(cx, cy - radius)
    context.moveTo(cx, cy + radius)
    context.lineTo(cx, canvas.height)
    context.globalAlpha = 0.35
    context.stroke()
    context.setLineDash([])
    context.globalAlpha = 1
    context.beginPath()
    context.arc(cx, cy, radius, 0, 2 * Math.PI)
    context.stroke()
  }

  function draw() {
    const scale = devicePixelRatio || 1
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.drawImage(lights, 0, 0)
    context.strokeStyle = context.fillStyle = demo.colour('--cross')
    context.lineWidth = 1.5 * scale
    for (const city of cities) {
      context.beginPath()
      context.arc(x(city.lng), y(city.lat), 2 * scale, 0, 2 * Math.PI)
      context.fill()
    }
    drawCross(place, 9 * scale, [])
    if (cursor) drawCross(cursor, 5 * scale, [4 * scale, 4 * scale])
  }

  function resize() {
    const scale = devicePixelRatio || 1
    const { width, height } = canvas.getBoundingClientRect()
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    drawLights()
    draw()
  }

  function clamped({ lat, lng }) {
    return { lat: Math.min(NORTH, Math.max(SOUTH, lat)), lng: Math.min(180, Math.max(-180, lng)) }
  }

  canvas.addEventListener('click', (event) => {
    const box = canvas.getBoundingClientRect()
    const lng = ((event.clientX - box.left) / box.width) * 360 - 180
    const lat = NORTH - ((event.clientY - box.top) / box.height) * (NORTH - SOUTH)
    cursor = undefined
    onChoose(clamped({ lat, lng }))
  })
  const moves = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
  frame.addEventListener('keydown', (event) => {
    const move = moves[event.key]
    if (move) {
      const step = event.shiftKey ? 10 : 1
      cursor ??= place
      cursor = clamped({ lat: cursor.lat + move[0] * step, lng: cursor.lng + move[1] * step })
      draw()
    } else if ((event.key === 'Enter' || event.key === ' ') && cursor) {
      onChoose(cursor)
      cursor = undefined
    } else return
    event.preventDefault()
  })
  frame.addEventListener('blur', () => {
    cursor = undefined
    draw()
  })
  new ResizeObserver(resize).observe(canvas)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', resize)

  return {
    setGrid(next) {
      grid = next
      drawLights()
      draw()
    },
    show(nextPlace, nextCities) {
      place = nextPlace
      cities = nextCities
      draw()
    },
  }
}
