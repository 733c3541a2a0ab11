/** The id of the build that is being served. */

/** What Next passes to the constructor of a handler, as far as it is used. */
export interface HandlerContext {
  readonly serverDistDir?: string | undefined
  /** Next's own way to files. There is none on the edge. */
  readonly fs?: { readFile(path: string, encoding: 'utf8'): Promise<string | Uint8Array> } | undefined
  /** Tags that a server action revalidated right before, if a proxy in front says so. */
  readonly revalidatedTags?: readonly string[] | undefined
}

const known = new Map<string, Promise<string | undefined>>()

/** Undefined if there should be one, but it cannot be read. Outside of Next there is none, and none is needed. */
export function buildIdOf({ serverDistDir, fs }: HandlerContext = {}): Promise<string | undefined> {
  if (serverDistDir === undefined || typeof fs?.readFile !== 'function') return Promise.resolve('')
  let id = known.get(serverDistDir)
  if (id === undefined) {
    id = readId(fs, serverDistDir)
    known.set(serverDistDir, id)
    // While an app is built, the file appears late.
    id.then((found) => found === undefined && known.delete(serverDistDir))
  }
  return id
}

async function readId(fs: NonNullable<HandlerContext['fs']>, serverDistDir: string): Promise<string | undefined> {
  try {
    return String(await fs.readFile(`${serverDistDir}/../BUILD_ID`, 'utf8')).trim()
  } catch {
    return undefined
  }
}
