/* The entries of the cache, with the time that each has left. */
demo.createShelf = (list, expiredLine) => {
  /* The lifetime of a fresh answer: the span of 40 seconds and a quarter of slack. */
  const FULL_SECONDS = 50
  const SOON_SECONDS = 8
  const NOTE_MS = 2500
  const GONE_MS = 5000
  /* A smaller difference comes from clocks and the round trip. */
  const JUMP_SECONDS = 1.5
  const rows = new Map()
  /* Lets the arrow keys scroll it. */
  list.tabIndex = 0

  const left = (row) => (row.deadline - performance.now()) / 1000

  function createRow(key) {
    const fill = demo.element('i')
    const words = demo.element('span', { class: 'left' })
    const item = demo.element(
      'li',
      {},
      demo.element('div', { class: 'row' }, demo.element('span', { class: 'key', title: key }, key), words),
      demo.element('div', { class: 'bar', 'aria-hidden': 'true' }, fill),
    )
    return { item, fill, words, deadline: 0, note: '', noteUntil: 0, goneAt: undefined }
  }

  function note(row, text) {
    row.note = text
    row.noteUntil = performance.now() + NOTE_MS
  }

  function update(entry) {
    const isNew = !rows.has(entry.key)
    const row = rows.get(entry.key) ?? createRow(entry.key)
    rows.set(entry.key, row)
    const gained = entry.seconds - left(row)
    if (!isNew && (row.goneAt !== undefined || gained > JUMP_SECONDS)) {
      note(row, row.goneAt === undefined ? `touched, +${Math.round(gained)} s` : 'stored again')
    }
    row.deadline = performance.now() + entry.seconds * 1000
    row.goneAt = undefined
  }

  function paint() {
    const now = performance.now()
    for (const [key, row] of rows) {
      const seconds = Math.max(0, left(row))
      if (row.goneAt === undefined && seconds === 0) end(row, 'expired')
      if (row.goneAt !== undefined && now - row.goneAt > GONE_MS) {
        row.item.remove()
        rows.delete(key)
        continue
      }
      row.item.className = row.goneAt !== undefined ? 'gone' : seconds < SOON_SECONDS ? 'soon' : ''
      if (now < row.noteUntil) row.item.classList.add('touched')
      row.fill.style.width = row.goneAt === undefined ? `${Math.min(100, (seconds / FULL_SECONDS) * 100)}%` : '0'
      row.words.textContent =
        row.goneAt !== undefined || now < row.noteUntil ? row.note : `${Math.ceil(seconds)} s left`
    }
  }

  function end(row, why) {
    row.goneAt = performance.now()
    row.note = why
  }

  function animate() {
    paint()
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
    setTimeout(() => requestAnimationFrame(animate), isStill ? 1000 : 60)
  }
  animate()

  return {
    /* Returns the keys that were live before and are no longer. */
    show({ live, expired }, why = 'dropped') {
      const keys = new Set(live.map(({ key }) => key))
      const dropped = []
      for (const [key, row] of rows) {
        if (keys.has(key) || row.goneAt !== undefined) continue
        end(row, left(row) > JUMP_SECONDS ? why : 'expired')
        dropped.push(key)
      }
      for (const entry of live) if (entry.seconds !== null) update(entry)
      /* The last requested entry comes first. */
      list.append(...[...rows.values()].sort((a, b) => b.deadline - a.deadline).map(({ item }) => item))
      expiredLine.textContent =
        expired.length === 0
          ? 'Nothing waits for the cleanup.'
          : `${expired.length} expired or dropped, waiting for the cleanup.`
      paint()
      return dropped
    },
  }
}
