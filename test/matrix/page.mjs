/** Writes the page that shows which driver was tested on which version of Postgres. */

/** Counts the passed and failed tests of each driver in a report of vitest. A file that broke counts as one failure. */
export function countsOf({ testResults }) {
  const counts = new Map()
  const add = (name, field) => {
    const own = counts.get(name) ?? { name, passed: 0, failed: 0 }
    own[field]++
    counts.set(name, own)
  }
  for (const { status, assertionResults } of testResults) {
    for (const { ancestorTitles, status: outcome } of assertionResults) {
      add(ancestorTitles[0] ?? 'others', outcome === 'passed' ? 'passed' : 'failed')
    }
    if (status === 'failed' && assertionResults.every(({ status: outcome }) => outcome === 'passed'))
      add('others', 'failed')
  }
  return [...counts.values()]
}

/** Drivers that bring their own Postgres. */
const OWN_POSTGRES = /pglite/i

const ABOUT = `# Compatibility

pgstash is tested with these drivers and versions of Postgres. \`npm run matrix\` makes this page: it runs the contract suite of the
cache's methods over each driver, on real servers of each major version. A cell has the number of tests that passed, and of all. The
other tests of the package run on the newest of these versions, and need Postgres 15.

The RDS Data API (\`drizzle-orm/aws-data-api\`) is refused. It returns no row of more than 64 KB, and its errors have no
SQLSTATE. Databases in another encoding than UTF-8 are refused as well, because they cannot hold every value.
`

/** @param results one for each version, oldest first */
export function compatibilityPage(results, node) {
  const tried = results.filter(({ isTooOld }) => !isTooOld)
  const refused = results.filter(({ isTooOld }) => isTooOld)
  const names = [...new Set(tried.flatMap(({ counts }) => counts.map(({ name }) => name)))]
  const servers = names.filter((name) => !OWN_POSTGRES.test(name))
  const own = names.filter((name) => OWN_POSTGRES.test(name))
  const cell = (counts, name) => {
    const found = counts.find((each) => each.name === name)
    return found === undefined ? '' : `${found.passed} of ${found.passed + found.failed}`
  }
  const newest = tried.at(-1)
  const row = (cells) => `| ${cells.join(' | ')} |`
  return [
    ABOUT,
    row([`driver, on Node ${node.slice(1)} unless named`, ...tried.map(({ version }) => `Postgres ${version}`)]),
    row(['---', ...tried.map(() => '---')]),
    ...servers.map((name) => row([name, ...tried.map(({ counts }) => cell(counts, name))])),
    '',
    ...(own.length === 0 || newest === undefined
      ? []
      : ['These bring a Postgres of their own:', '', row(['driver', 'tests']), row(['---', '---'])]),
    ...own.map((name) => row([name, cell(newest?.counts ?? [], name)])),
    '',
    `\`migrate\` refuses Postgres ${refused.map(({ version }) => version).join(' and ')}: it says which version it needs, and changes nothing.`,
    '',
  ].join('\n')
}
