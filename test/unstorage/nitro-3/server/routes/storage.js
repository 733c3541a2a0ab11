import { defineHandler } from 'nitro'
import { useStorage } from 'nitro/storage'

/** Does to a mount what the body of the request names. */
export default defineHandler(async (event) => {
  const { base, calls } = await event.req.json()
  const answers = []
  for (const [method, ...args] of calls) answers.push(await useStorage(base)[method](...args))
  return { answers }
})
