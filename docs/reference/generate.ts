/**
 * Makes the pages of docs/reference from the docstrings of the source, one page for each entry point.
 *
 * `npm run reference` writes them. A test compares them with the source.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript-5.9'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The beginning of every generated page, by which other tests recognise one. */
export const GENERATED = '<!-- Generated from the docstrings by `npm run reference`. Do not edit. -->'

interface EntryPoint {
  /** As it is imported: `pgstash/hono`. */
  readonly name: string
  /** The file of its page, without the folder: `hono.md`. */
  readonly page: string
  readonly source: string
}

/** A documented export, with everything that its section needs. */
interface Export {
  readonly name: string
  readonly symbol: ts.Symbol
  readonly declarations: readonly ts.Declaration[]
  readonly group: 'Functions' | 'Classes' | 'Values' | 'Types'
}

interface Page {
  readonly checker: ts.TypeChecker
  /** The names that have a section on this page, and so an anchor. */
  readonly names: ReadonlySet<string>
  /** The functions and methods that mention each type, by its name. */
  readonly users: ReadonlyMap<string, readonly string[]>
}

/** The guide of each entry point, by the page of its reference. */
const GUIDES: Readonly<Record<string, string>> = {
  'pgstash.md': 'the table of [methods and options](api.md)',
  'schema.md': '[operations](../guides/operations.md)',
  'migrate.md': '[operations](../guides/operations.md)',
  'drizzle.md': '[tags and invalidation](../guides/invalidation.md)',
  'hono.md':
    '[cached responses](../guides/http.md), [limits](../guides/rate-limit.md) and [sessions](../guides/sessions.md)',
  'fetch.md': '[cached responses in any framework](../guides/frameworks.md) and [limits](../guides/rate-limit.md)',
  'better-auth.md': '[better-auth](../guides/better-auth.md)',
  'keyv.md': '[Keyv](../guides/keyv.md)',
  'next.md': '[Next.js](../guides/next.md)',
  'unstorage.md': '[unstorage, Nitro and Nuxt](../guides/unstorage.md)',
  'opennext.md': '[OpenNext](../guides/opennext.md)',
  'cron.md': '[cleanup](../guides/operations.md)',
  'admin.md': '[the admin pages](../guides/admin.md)',
  'telemetry.md': '[telemetry](../guides/telemetry.md)',
  'dev.md': '[a local Neon](../guides/local-neon.md)',
  'testing.md': '[stores of your own](../guides/custom-stores.md#test-it)',
}

const GROUPS = ['Functions', 'Classes', 'Values', 'Types'] as const

export function entryPoints(): EntryPoint[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => {
      const folder = path.slice(2)
      return {
        name: path === '.' ? 'pgstash' : `pgstash/${folder}`,
        page: `${folder === '' ? 'pgstash' : folder}.md`,
        source: join(ROOT, 'src', folder, 'index.ts'),
      }
    })
}

/** The text of each page, by its file name. */
export function referencePages(): Map<string, string> {
  const entries = entryPoints()
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT)
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    options,
  )
  const checker = program.getTypeChecker()
  return new Map(entries.map((entry) => [entry.page, pageOf(entry, program, checker)]))
}

function pageOf({ name, page: fileName, source }: EntryPoint, program: ts.Program, checker: ts.TypeChecker): string {
  const file = program.getSourceFile(source)
  const module = file && checker.getSymbolAtLocation(file)
  if (file === undefined || module === undefined) throw new Error(`Expected ${source} to be a module.`)
  const exported = exportsOf(module, checker)
  const page: Page = { checker, names: new Set(exported.map((one) => one.name)), users: usersOf(exported) }
  const groups = GROUPS.flatMap((group) => {
    const members = exported.filter((one) => one.group === group)
    return members.length === 0 ? [] : [`## ${group}`, ...members.map((one) => sectionOf(one, page))]
  })
  const overview = exported
    .filter(({ group }) => group !== 'Types')
    .map((one) => `| [\`${one.name}\`](#${anchorOf(one.name)}) | ${cell(firstSentence(docOf(one)))} |`)
  const table = overview.length === 0 ? [] : [['| export | |', '|---|---|', ...overview].join('\n')]
  const guide = `Guide: ${GUIDES[fileName]}.`
  const text = `${[`# \`${name}\``, GENERATED, moduleDoc(file, name), guide, ...table, ...groups].join('\n\n')}\n`
  // A `{@link name}` in a docstring that begins so. Other links are names in a sentence.
  return text.replaceAll(/(?<=^Options of )`(\w+)`/gm, (code, one) =>
    page.names.has(one) ? `[${code}](#${anchorOf(one)})` : code,
  )
}

function exportsOf(module: ts.Symbol, checker: ts.TypeChecker): Export[] {
  return checker
    .getExportsOfModule(module)
    .filter((symbol) => symbol.name !== 'default')
    .map((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      return { name: symbol.name, symbol: target, declarations: target.declarations ?? [], group: groupOf(target) }
    })
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
}

function groupOf({ flags }: ts.Symbol): Export['group'] {
  if (flags & ts.SymbolFlags.Class) return 'Classes'
  if (flags & ts.SymbolFlags.Function) return 'Functions'
  return flags & ts.SymbolFlags.Variable ? 'Values' : 'Types'
}

/** The functions, and the methods of interfaces, whose signatures mention a type. */
function usersOf(exported: readonly Export[]): Map<string, string[]> {
  const users = new Map<string, string[]>()
  const note = (user: string, { parameters }: ts.SignatureDeclaration) => {
    const words = new Set(
      parameters.flatMap(({ type }) => (type === undefined ? [] : (type.getText().match(/\w+/g) ?? []))),
    )
    for (const word of words) {
      const known = users.get(word) ?? []
      if (!known.includes(user)) users.set(word, [...known, user])
    }
  }
  for (const { name, declarations } of exported) {
    for (const node of declarations) {
      if (ts.isFunctionDeclaration(node)) note(name, node)
      if (!ts.isInterfaceDeclaration(node)) continue
      for (const member of node.members) {
        if (ts.isMethodSignature(member)) note(`${name}.${member.name.getText()}`, member)
      }
    }
  }
  return users
}

/** Says which functions take a type, for a section without a docstring. */
function usersText(name: string, { users }: Page): string {
  const links = (users.get(name) ?? []).map((user) => `[\`${user}\`](#${anchorOf(user.replace('.', ''))})`)
  if (links.length === 0) return ''
  return `${name.endsWith('Options') ? 'Options of' : 'Passed to'} ${links.join(', ')}.`
}

/** The heading of an export, its docstring, its code, and its members. */
function sectionOf(one: Export, page: Page): string {
  return [`### ${one.name}`, ...bodyOf(one, page)].filter((part) => part !== '').join('\n\n')
}

function bodyOf(one: Export, page: Page): string[] {
  const { symbol, declarations } = one
  const [first] = declarations
  const doc = docParts(one, page)
  if (one.group === 'Functions') return [doc.text, fence(signatures(one, page)), ...doc.details]
  if (one.group === 'Values') {
    const type = page.checker.typeToString(page.checker.getTypeOfSymbol(symbol), first, TYPE_FORMAT)
    // The inferred type of a Drizzle table has pages of text.
    const text = type.length > MAX_TYPE ? `const ${one.name}` : `const ${one.name}: ${type}`
    return [doc.text, fence([text]), ...doc.details]
  }
  const interfaces = declarations.filter(ts.isInterfaceDeclaration)
  const classes = declarations.filter(ts.isClassDeclaration)
  if (classes[0] !== undefined)
    return [doc.text, fence([classHead(classes[0])]), ...doc.details, ...classMembers(classes[0], page)]
  if (interfaces[0] !== undefined) {
    const text = doc.text === '' ? usersText(one.name, page) : doc.text
    return [text, ...baseText(interfaces, page), ...doc.details, ...interfaceMembers(one, interfaces, page)]
  }
  const alias = declarations.find(ts.isTypeAliasDeclaration)
  return [
    doc.text,
    alias === undefined
      ? ''
      : fence([
          printed(alias)
            .replace(/^export /, '')
            .replace(/;$/, ''),
        ]),
    ...doc.details,
  ]
}

const MAX_TYPE = 400
const TYPE_FORMAT = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope

const printer = ts.createPrinter({ removeComments: true })

function printed(node: ts.Node): string {
  return printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replaceAll(/^( {4})+/gm, (indent) => indent.slice(indent.length / 2))
}

/** Each overload on its own; the implementation behind overloads is no signature. */
function signatures({ name, declarations }: Export, page: Page): string[] {
  const functions = declarations.filter(ts.isFunctionDeclaration)
  const overloads = functions.filter(({ body }) => body === undefined)
  return (overloads.length > 0 ? overloads : functions).map((node) => `function ${name}${signatureText(node, page)}`)
}

function signatureText(node: ts.SignatureDeclaration, { checker }: Page): string {
  const types = node.typeParameters?.map(printed).join(', ')
  const parameters = node.parameters.map((parameter) => parameterText(parameter))
  const signature = checker.getSignatureFromDeclaration(node)
  const inferred = signature && checker.typeToString(checker.getReturnTypeOfSignature(signature), node, TYPE_FORMAT)
  const type = node.type === undefined ? (inferred ?? 'void') : printed(node.type)
  const returned = type.length > MAX_TYPE ? '' : `: ${type}`
  const head = types === undefined ? '' : `<${types}>`
  const line = `${head}(${parameters.join(', ')})${returned}`
  const lines = parameters.map((text) => `  ${text.replaceAll('\n', '\n  ')},\n`)
  return line.length <= 100 ? line : `${head}(\n${lines.join('')})${returned}`
}

/** A pattern shows nothing that the options' own section does not show. */
function parameterText(parameter: ts.ParameterDeclaration): string {
  const name = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options'
  const isOptional = parameter.questionToken !== undefined || parameter.initializer !== undefined
  const type = parameter.type === undefined ? '' : `: ${printed(parameter.type)}`
  const isPlainDefault = parameter.initializer !== undefined && !/^[{[]/.test(printed(parameter.initializer))
  const initial = isPlainDefault && type === '' ? ` = ${printed(parameter.initializer as ts.Expression)}` : ''
  return `${parameter.dotDotDotToken ? '...' : ''}${name}${isOptional && initial === '' ? '?' : ''}${type}${initial}`
}

function classHead(node: ts.ClassDeclaration): string {
  const heritage = (node.heritageClauses ?? []).map(printed).join(' ').trim()
  return `class ${node.name?.text ?? ''}${heritage === '' ? '' : ` ${heritage}`}`
}

function classMembers(node: ts.ClassDeclaration, page: Page): string[] {
  const isHidden = (member: ts.ClassElement) =>
    (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Override)) !== 0 ||
    (member.name !== undefined && !ts.isIdentifier(member.name))
  const members = node.members.filter((member) => !isHidden(member))
  const constructors = members.filter(ts.isConstructorDeclaration)
  const made = constructors.map((one) =>
    fence([`new ${node.name?.text ?? ''}${signatureText(one, page).replace(/: [^:]*$/, '')}`]),
  )
  const properties = members.filter(ts.isPropertyDeclaration)
  return [...made, ...memberTable(properties.map((one) => memberOf(one, page)))]
}

/** Names the exported interfaces that an interface extends. Their methods are not repeated. */
function baseText(interfaces: readonly ts.InterfaceDeclaration[], page: Page): string[] {
  const names = documentedBases(interfaces, page)
  return names.length === 0 ? [] : [`Extends ${names.map((name) => `[\`${name}\`](#${anchorOf(name)})`).join(', ')}.`]
}

function documentedBases(interfaces: readonly ts.InterfaceDeclaration[], { names }: Page): string[] {
  const types = interfaces.flatMap((one) => one.heritageClauses ?? []).flatMap(({ types: all }) => all)
  return types.map((type) => type.expression.getText()).filter((name) => names.has(name))
}

interface Member {
  readonly name: string
  readonly type: string
  readonly text: string
}

function interfaceMembers(one: Export, interfaces: readonly ts.InterfaceDeclaration[], page: Page): string[] {
  const { checker } = page
  const bases = new Set(documentedBases(interfaces, page))
  const isInherited = (symbol: ts.Symbol) =>
    symbol.declarations?.some((node) => ts.isInterfaceDeclaration(node.parent) && bases.has(node.parent.name.text)) ??
    false
  const symbols = checker
    .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(one.symbol))
    .filter((symbol) => !symbol.name.startsWith('__'))
  const methods: string[] = []
  const properties: Member[] = []
  for (const symbol of symbols) {
    const nodes = symbol.declarations ?? []
    const signaturesOfMethod = nodes.filter(ts.isMethodSignature)
    if (signaturesOfMethod.length > 0) {
      if (!isInherited(symbol)) methods.push(methodText(one.name, symbol, signaturesOfMethod, page))
    } else if (nodes[0] !== undefined) properties.push(memberOf(nodes[0], page))
  }
  const calls = interfaces.flatMap(({ members }) => members.filter(ts.isCallSignatureDeclaration))
  const called = calls.length === 0 ? [] : [fence(calls.map((call) => signatureText(call, page)))]
  return [...called, ...memberTable(properties), ...methods]
}

function methodText(owner: string, symbol: ts.Symbol, nodes: readonly ts.MethodSignature[], page: Page): string {
  const mark = nodes[0]?.questionToken === undefined ? '' : '?'
  const doc = docParts({ name: symbol.name, symbol, declarations: nodes, group: 'Functions' }, page)
  const code = fence(nodes.map((node) => `${symbol.name}${mark}${signatureText(node, page)}`))
  return [`#### ${owner}.${symbol.name}`, doc.text, code, ...doc.details].filter((part) => part !== '').join('\n\n')
}

function memberOf(node: ts.Declaration, page: Page): Member {
  const named = node as ts.PropertySignature
  const name = named.name.getText()
  const type =
    named.type === undefined ? page.checker.typeToString(page.checker.getTypeAtLocation(node)) : printed(named.type)
  const text = docText(ts.getJSDocCommentsAndTags(node))
  const throwing = tagTexts([node], 'throws').map((thrown) => ` Throws ${thrown}.`)
  const optional = named.questionToken === undefined ? '' : '?'
  return {
    name: `${name}${optional}`,
    type: oneLine(type).replace(/ \| undefined$/, ''),
    text: `${text}${throwing.join('')}`,
  }
}

function memberTable(members: readonly Member[]): string[] {
  if (members.length === 0) return []
  const rows = members.map(({ name, type, text }) => `| \`${name}\` | \`${cell(type)}\` | ${cell(text)} |`)
  return [['| member | type | meaning |', '|---|---|---|', ...rows].join('\n')]
}

/** The docstring of an export: its text, and what its tags say. */
function docParts({ declarations }: Export, page: Page): { text: string; details: string[] } {
  const documented = declarations.filter((node) => ts.getJSDocCommentsAndTags(node).length > 0)
  const texts = new Set(documented.map((node) => docText(ts.getJSDocCommentsAndTags(node))))
  const text = [...texts].filter((one) => one !== '').join('\n\n')
  const parameters = documented.flatMap((node) => ts.getJSDocTags(node)).filter(ts.isJSDocParameterTag)
  const rows = parameters.map((tag) => `- \`${tag.name.getText()}\`: ${oneLine(plain(tag.comment))}`)
  const returned = tagTexts(documented, 'returns').map((one) => `**Returns** ${one}`)
  const thrown = tagTexts(documented, 'throws').map((one) => `**Errors**: ${one}`)
  const deprecated = tagTexts(documented, 'deprecated').map((one) => `**Deprecated**: ${one}`)
  const examples = tagTexts(documented, 'example', false).map((one) => fence([one.trim()]))
  const list = rows.length === 0 ? [] : [rows.join('\n')]
  return {
    text,
    details: [...deprecated, ...list, ...returned, ...thrown, ...examples].map((part) => linked(part, page)),
  }
}

function docOf({ declarations }: Export): string {
  const texts = declarations.map((node) => docText(ts.getJSDocCommentsAndTags(node)))
  return texts.find((text) => text !== '') ?? ''
}

function docText(nodes: readonly (ts.JSDoc | ts.JSDocTag)[]): string {
  return nodes
    .filter(ts.isJSDoc)
    .map((node) => plain(node.comment))
    .join('\n\n')
    .trim()
}

function tagTexts(nodes: readonly ts.Node[], name: string, joinsLines = true): string[] {
  const tags = nodes.flatMap((node) => ts.getJSDocTags(node)).filter((tag) => tag.tagName.text === name)
  const texts = tags.map((tag) => plain(tag.comment)).map((text) => (joinsLines ? oneLine(text) : text))
  return [...new Set(texts)]
}

/** The text of a comment; a link becomes the name in it. */
function plain(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  if (comment === undefined || typeof comment === 'string') return comment ?? ''
  return comment
    .map((part) => (ts.isJSDocLink(part) ? `\`${part.name?.getText() ?? ''}${part.text}\`` : part.text))
    .join('')
}

/** Links the exported options in a list of parameters to their sections. */
function linked(part: string, { names }: Page): string {
  if (part.startsWith('```')) return part
  return part.replaceAll(/(?<![`\w[])[A-Z]\w+(?![`\w\]])/g, (word) =>
    names.has(word) ? `[${word}](#${anchorOf(word)})` : word,
  )
}

/** The comment at the top of a file, without the name that the heading has already. */
function moduleDoc(file: ts.SourceFile, name: string): string {
  const [comment] = ts.getLeadingCommentRanges(file.text, 0) ?? []
  if (comment === undefined) return ''
  const text = file.text
    .slice(comment.pos + 3, comment.end - 2)
    .replaceAll(/^\s*\* ?/gm, '')
    .trim()
    .replace(new RegExp(`^\`${name}\`: `), '')
    .replace(` (import \`${name}\`)`, '')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text.split('\n\n')[0] ?? '')?.[0] ?? text
}

const fence = (lines: readonly string[]): string => ['```ts', ...lines, '```'].join('\n')
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
const cell = (text: string): string => oneLine(sentences(text)).replaceAll('|', '\\|')
/** The items of lists as sentences, because a cell of a table has no lists. */
function sentences(text: string): string {
  const items = text.split(/\n+(?= *- )/)
  return items.map((item) => item.replace(/^ *- (.*?[^.:])?(?=\n\n|$)/s, '$1.').replace(/^ *- /, '')).join(' ')
}

const anchorOf = (name: string): string => name.toLowerCase()
