/** Reads the id of the build that is being served. */

/** The context that Next passes to a handler's constructor, with only the fields that are used here. */
export interface HandlerContext {
  /** Next's folder of compiled files, which has the id of the build. Absent outside of Next. */
  readonly serverDistDir?: string | undefined
  /** Next's file system access. Absent on the edge. */
  readonly fs?: { readFile(path: string, encoding: 'utf8'): Promise<string | Uint8Array> } | undefined
  /** Tags that a server action revalidated just before this request, as a proxy in front reports them. */
  readonly revalidatedTags?: readonly string[] | undefined
}

const known = new Map<string, Promise<string | undefined>>()

/** Resolves to undefined if the id cannot be read. Outside of Next there is no id, and the empty string replaces it. */
export function buildIdOf({ serverDistDir, fs }: HandlerContext = {}): Promise<string | undefined> {
  if (serverDistDir === undefined || typeof fs?.readFile !== 'function') return Promise.resolve('')
  let id = known.get(serverDistDir)
  if (id === undefined) {
    id = readId(fs, serverDistDir)
    known.set(serverDistDir, id)
    // Try again on the next call, because during a build the file appears late.
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
