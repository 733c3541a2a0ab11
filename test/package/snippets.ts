/** Checks that the code in documents is the code in docs/snippets, which is compiled and run. */

/** Reads the file of a snippet. Returns undefined if it does not exist. */
export type ReadSnippet = (name: string) => string | undefined

const FENCE = /^(\s*)(`{3,}|~{3,})\s*([\w+-]*)/
const TYPESCRIPT = new Set(['ts', 'tsx', 'mts', 'cts', 'typescript'])
const MARKER = /^\s*<!-- snippet: (\S+) -->\s*$/

/** Lists the faults of the fenced TypeScript blocks of a document, each with its line. Empty if there are none. */
export function snippetProblems(markdown: string, readSnippet: ReadSnippet): string[] {
  const lines = markdown.split('\n')
  const problems: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const [, indentation = '', fence, language = ''] = FENCE.exec(lines[i] ?? '') ?? []
    const marker = MARKER.exec(lines[i] ?? '')?.[1]
    if (marker !== undefined && !isTypeScript(lines[i + 1])) {
      problems.push(`line ${i + 1}: the marker of ${marker} is not followed by a ts block`)
    }
    if (fence === undefined) continue
    const start = i
    const closing = new RegExp(`^\\s*${fence[0]}{${fence.length},}\\s*$`)
    do i++
    while (i < lines.length && !closing.test(lines[i] ?? ''))
    if (!TYPESCRIPT.has(language.toLowerCase())) continue
    const code = lines.slice(start + 1, i).map((line) => line.replace(new RegExp(`^${indentation}`), ''))
    const problem = blockProblem(lines[start - 1], `${code.join('\n')}\n`, readSnippet)
    if (problem !== undefined) problems.push(`line ${start + 1}: ${problem}`)
  }
  return problems
}

function blockProblem(before: string | undefined, code: string, readSnippet: ReadSnippet): string | undefined {
  const name = MARKER.exec(before ?? '')?.[1]
  if (name === undefined) return 'expected <!-- snippet: name.ts --> on the line before a ts block'
  const file = readSnippet(name)
  if (file === undefined) return `docs/snippets/${name} does not exist`
  return file === code ? undefined : `the block differs from docs/snippets/${name}`
}

function isTypeScript(line: string | undefined): boolean {
  return TYPESCRIPT.has((FENCE.exec(line ?? '')?.[3] ?? '').toLowerCase())
}
