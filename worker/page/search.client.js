/* The search box: a combobox with a list, for mouse, keyboard and screen readers. */
demo.createSearch = (input, list, onChoose) => {
  const PAUSE_MS = 150
  let found = []
  let selected = -1
  let timer
  let asked = 0

  function show(cities) {
    found = cities
    list.replaceChildren(
      ...cities.map((city, index) => {
        const name = demo.countryName(city.country)
        const option = demo.element(
          'div',
          { role: 'option', id: `found-${index}` },
          city.name,
          demo.element('span', {}, name),
        )
        /* Runs before the input loses the focus, which closes the list. */
        option.addEventListener('pointerdown', (event) => {
          event.preventDefault()
          choose(index)
        })
        return option
      }),
    )
    open(cities.length > 0)
    select(cities.length > 0 ? 0 : -1)
  }

  function showNone(text) {
    show([])
    const words = `No city begins with “${text}”.`
    list.replaceChildren(demo.element('div', { role: 'option', 'aria-disabled': 'true' }, words))
    open(true)
    demo.announce(words)
  }

  function open(isOpen) {
    list.hidden = !isOpen
    input.setAttribute('aria-expanded', String(isOpen))
  }

  function select(index) {
    selected = index
    Array.from(list.children).forEach((option, i) => {
      option.setAttribute('aria-selected', String(i === index))
    })
    if (index < 0) input.removeAttribute('aria-activedescendant')
    else input.setAttribute('aria-activedescendant', `found-${index}`)
  }

  function choose(index) {
    const city = found[index]
    if (city === undefined) return
    input.value = city.name
    show([])
    onChoose(city)
  }

  async function search() {
    const text = input.value.trim()
    asked += 1
    const mine = asked
    if (text.length < 2) return show([])
    try {
      const { body } = await demo.ask(`/cities/search?q=${encodeURIComponent(text)}`)
      /* Ignores an answer if a later request was answered first, or if the visitor left. */
      if (mine !== asked || document.activeElement !== input) return
      if (body.cities.length > 0) show(body.cities)
      else showNone(text)
    } catch (error) {
      demo.say(error.message)
    }
  }

  input.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(search, PAUSE_MS)
  })
  input.addEventListener('blur', () => show([]))
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1
      if (found.length > 0) select((selected + step + found.length) % found.length)
    } else if (event.key === 'Enter') choose(selected)
    else if (event.key === 'Escape') show([])
    else return
    event.preventDefault()
  })
}
