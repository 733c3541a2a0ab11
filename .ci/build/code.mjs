/**
 * Bundles the code into one file for each entry, and chunks for what entries share.
 *
 * 600 modules become about 70 files: Node starts faster, and the package is smaller. Names and lines stay as in the sources,
 * and a comment above each module names its source, so stack traces can be read without source maps.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { build, transform } from 'esbuild'
import ts from 'typescript-6.0'

/** As in tsconfig.json, whose `paths` must not apply: other packages stay imports. */
const COMPILER = { target: 'es2022', verbatimModuleSyntax: true, jsx: 'react-jsx', jsxImportSource: 'hono/jsx' }

/**
 * @param {string} root the folder of the package
 * @param {readonly string[]} entries the paths of the code to write
 * @param {readonly string[]} apart the paths of modules that get a chunk of their own
 * @param {string} to the folder to write to
 */
export async function bundle(root, entries, apart, to) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entries, ...apart].map((entry) => ({
      in: `./src/${entry.replace(/\.js$/, '.ts')}`,
      out: entry.replace(/\.js$/, ''),
    })),
    outdir: to,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    chunkNames: 'chunks/[hash]',
    metafile: true,
    write: false,
    packages: 'external',
    // Each runtime chooses a file of its own for this name: see `imports` in package.json.
    external: ['#tcp'],
    tsconfigRaw: { compilerOptions: COMPILER },
    plugins: [pureModules],
  })
  const names = nameChunks(metafile.outputs)
  const rename = (text) => text.replace(/(?<=\/)[0-9A-Z]{8}(?=\.js\b)/g, (hash) => names.get(hash) ?? hash)
  for (const { path, text } of outputFiles) {
    // An entry of the bundler comes with a file that only exports its chunk.
    if (apart.includes(relative(to, path))) continue
    const file = join(to, rename(relative(to, path)))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, withoutBareImports(rename(text)))
  }
}

/**
 * Drops imports of chunks from which a file needs no name. esbuild writes them to keep the order of side effects, which no
 * module here has. Bundlers of users would warn about them, because of `sideEffects: false`.
 */
function withoutBareImports(text) {
  return text.replace(/^import "\.{1,2}\/[^"]+";\n/gm, '')
}

/** Names each chunk after its largest module, because stack traces show it. esbuild knows only hashes. */
function nameChunks(outputs) {
  const names = new Map()
  const taken = new Set()
  for (const [path, { inputs }] of Object.entries(outputs)) {
    const hash = /\bchunks\/(\w+)\.js$/.exec(path)?.[1]
    if (hash === undefined) continue
    const [largest] = Object.entries(inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
    const name = basename(largest[0].replace(/(?:\/index)?\.tsx?$/, ''))
    const free = [name, ...Array.from(taken, (_, i) => `${name}-${i + 2}`)].find((each) => !taken.has(each))
    taken.add(free)
    names.set(hash, free)
  }
  return names
}

const pureModules = {
  name: 'pure-modules',
  setup({ onLoad }) {
    onLoad({ filter: /\.tsx?$/ }, async ({ path }) => {
      const loader = path.endsWith('x') ? 'tsx' : 'ts'
      // Whitespace goes for the sake of comments, which esbuild otherwise keeps in classes. The bundle gets new line ends.
      const options = { loader, target: 'es2022', minifyWhitespace: true, tsconfigRaw: { compilerOptions: COMPILER } }
      const { code } = await transform(readFileSync(path, 'utf8'), options)
      return { contents: markPure(code), loader: 'js' }
    })
  },
}

/**
 * Marks the initializer of each constant of a module as free of side effects.
 *
 * `sideEffects: false` lets a bundler drop a file of which it uses no export. A chunk holds many modules, so it is nearly
 * always used. Then only these marks let the bundler drop the other constants, and the modules that they refer to.
 */
export function markPure(code) {
  const source = ts.createSourceFile('module.js', code, ts.ScriptTarget.ES2022, true)
  const initializers = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .filter(
      ({ name, initializer }) => initializer && ts.isIdentifier(name) && !isPure(initializer) && !awaits(initializer),
    )
    .map(({ initializer }) => initializer)
  let marked = code
  for (const node of initializers.reverse()) {
    const [start, end] = [node.getStart(), node.end]
    const text = marked.slice(start, end)
    const call = isCallOfPure(node) ? text : `(() => (${text}))()`
    marked = `${marked.slice(0, start)}/* @__PURE__ */ ${call}${marked.slice(end)}`
  }
  return marked
}

/** True for a call that needs only the mark. Bundlers look for side effects in its arguments all the same. */
function isCallOfPure(node) {
  const isCall = ts.isCallExpression(node) || ts.isNewExpression(node)
  return isCall && ts.isIdentifier(node.expression) && (node.arguments ?? []).every(isPure)
}

const PURE_KINDS = new Set([
  ts.SyntaxKind.ArrowFunction,
  ts.SyntaxKind.BigIntLiteral,
  ts.SyntaxKind.FalseKeyword,
  ts.SyntaxKind.FunctionExpression,
  ts.SyntaxKind.Identifier,
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.NullKeyword,
  ts.SyntaxKind.NumericLiteral,
  ts.SyntaxKind.OmittedExpression,
  ts.SyntaxKind.RegularExpressionLiteral,
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.TrueKeyword,
])

/** True if every bundler knows by itself that it can drop the expression. A mark would only add bytes. */
function isPure(node) {
  if (PURE_KINDS.has(node.kind)) return true
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(isPure)
  if (ts.isBinaryExpression(node)) return isPure(node.left) && isPure(node.right)
  if (ts.isPrefixUnaryExpression(node)) return isPure(node.operand)
  if (ts.isParenthesizedExpression(node)) return isPure(node.expression)
  // Bundlers know that collections without content have no side effect.
  if (ts.isNewExpression(node)) return /^new (?:Weak)?(?:Map|Set)\(\)$/.test(node.getText())
  return ts.isObjectLiteralExpression(node) && node.properties.every(isPureProperty)
}

function isPureProperty(node) {
  if (ts.isShorthandPropertyAssignment(node)) return true
  if (node.name === undefined || ts.isComputedPropertyName(node.name)) return false
  return ts.isMethodDeclaration(node) || (ts.isPropertyAssignment(node) && isPure(node.initializer))
}

/** A function around the expression would make its `await` a syntax error. */
function awaits(node) {
  if (ts.isFunctionLike(node)) return false
  return ts.isAwaitExpression(node) || ts.forEachChild(node, awaits) === true
}
