/** Nuxt declares this function in each app. */
declare function defineNuxtConfig<T extends object>(config: T): T
