/** A text of the test's origin, which no other call gets. */
export async function ask(path) {
  return (await fetch(process.env.ORIGIN + path)).text()
}
