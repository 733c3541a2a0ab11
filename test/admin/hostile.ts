/** Strings that an attacker would store to harm visitors of the pages. */
import type { Cache } from 'pgstash'

export const SCRIPT = '<script>window.harmed = true</script>'
export const BREAKOUT = `"'><img src=x onerror="window.harmed=true"></title></style></pre></textarea>`

export const HOSTILE_TEXTS = {
  script: SCRIPT,
  breakout: BREAKOUT,
  'an address that runs': 'javascript:window.harmed=true',
  'text that turns round': 'safe\u202Egnp.exe',
  controls: 'a\u0001\u0007\u001b[2J\n\r\tb',
  'the longest': `${'k'.repeat(3_000)}${SCRIPT}`,
  'a prototype': '__proto__',
  'many bytes': '💥'.repeat(200),
  separators: 'a|b\\|c|\\@1|',
  'what looks like another': 'user\u{e0041}\u206a\u180e\u034f\u3164',
} as const

/** Entries whose keys, tags and values all have such strings, in a namespace that has one too. */
export async function storeHostile(cache: Cache): Promise<number> {
  const texts = Object.values(HOSTILE_TEXTS)
  for (const text of texts) {
    await cache.set(text, { [text]: [text, '\u0000\ud800', null] }, { tags: texts, expiration: '1h' })
  }
  const inside = cache.namespace(BREAKOUT)
  await inside.set(SCRIPT, `${BREAKOUT}\u0000`.repeat(20_000))
  await inside.set('deep', JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`))
  await inside.getOrSet('slow', () => BREAKOUT)
  return texts.length + 3
}
