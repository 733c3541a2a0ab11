/**
 * The tags of answers. Routes that read set them, and the route that writes invalidates them.
 */

/** An answer that shows this city's name or population. */
export const cityTag = (id: number) => `city:${id}`

/** An answer that adds up or compares the populations of a country's cities. */
export const countryTag = (code: string) => `country:${code}`

/** An answer that adds up populations everywhere. */
export const WORLD_TAG = 'world'
