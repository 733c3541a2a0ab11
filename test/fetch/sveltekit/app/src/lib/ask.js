import { env } from '$env/dynamic/private'

/** A text of the test's origin, which no other call gets. */
export async function ask(path, init) {
  return (await fetch(env.ORIGIN + path, init)).text()
}
