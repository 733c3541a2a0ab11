/** Runs while the application is built, where the database is dead. */
export default defineEventHandler(async () => {
  const failure = await useStorage('data')
    .getItem('a')
    .catch((error) => error.code)
  await useStorage('internal:nuxt:prerender').setItem('page', `prerendered, ${failure}`)
  return useStorage('internal:nuxt:prerender').getItem('page')
})
