/** Does to a mount what the body of the request names. */
export default defineEventHandler(async (event) => {
  const { base, calls } = await readBody(event)
  const answers = []
  for (const [method, ...args] of calls) answers.push(await useStorage(base)[method](...args))
  return { answers }
})
