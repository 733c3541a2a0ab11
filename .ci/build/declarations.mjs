/**
 * Writes the declarations that users of the package can reach, without the rest.
 *
 * The compiler writes one declaration file for each module, and declares every helper in it. Two thirds of that text is
 * unreachable from the exports of package.json. So this module follows the names from the entries, and drops the others.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript-6.0'

/**
 * @param {string} from the folder of the compiler's declarations
 * @param {readonly string[]} entries paths of the entries' declarations in that folder
 * @param {string} to the folder to write to
 */
export function writeDeclarations(from, entries, to) {
  const modules = new Map()
  for (const entry of entries) keepAll(open(join(from, entry)))
  for (const module of modules.values()) {
    const file = join(to, relative(from, module.path))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, print(module))
  }

  function open(path) {
    const known = modules.get(path)
    if (known !== undefined) return known
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
    const module = {
      path,
      source,
      declared: new Map(),
      imported: new Map(),
      exported: new Map(),
      stars: [],
      kept: new Set(),
    }
    for (const statement of source.statements) index(module, statement)
    modules.set(path, module)
    return module
  }

  /** Keeps every export: the module is an entry, or is imported as a whole. */
  function keepAll(module) {
    for (const name of module.exported.keys()) keepExport(module, name)
    for (const star of module.stars) {
      module.kept.add(star)
      const target = targetOf(module, star)
      if (target !== undefined) keepAll(target)
    }
  }

  /** @returns {boolean} whether the module exports the name */
  function keepExport(module, name) {
    const exported = module.exported.get(name)
    if (exported === undefined) return module.stars.some((star) => keepStar(module, star, name))
    if (ts.isExportSpecifier(exported)) {
      module.kept.add(exported)
      const local = (exported.propertyName ?? exported.name).text
      const target = targetOf(module, exported.parent.parent)
      if (target !== undefined) keepExport(target, local)
      else keepLocal(module, local)
    } else keepLocal(module, name)
    return true
  }

  function keepStar(module, star, name) {
    const target = targetOf(module, star)
    if (target === undefined || !keepExport(target, name)) return false
    module.kept.add(star)
    return true
  }

  /** Keeps a declaration or an import of this module, and all that it refers to. */
  function keepLocal(module, name) {
    const specifier = module.imported.get(name)
    if (specifier !== undefined && !module.kept.has(specifier)) {
      module.kept.add(specifier)
      const target = targetOf(module, importOf(specifier))
      if (target !== undefined && ts.isImportSpecifier(specifier)) {
        keepExport(target, (specifier.propertyName ?? specifier.name).text)
      } else if (target !== undefined) keepAll(target)
    }
    for (const statement of module.declared.get(name) ?? []) keepStatement(module, statement)
  }

  function keepStatement(module, statement) {
    if (module.kept.has(statement)) return
    module.kept.add(statement)
    visit(statement)

    // A name of a property may equal a name of the module. That keeps too much at times, and never too little.
    function visit(node) {
      if (ts.isIdentifier(node)) keepLocal(module, node.text)
      if (ts.isImportTypeNode(node)) {
        const path = pathOf(module, node.argument.literal.text)
        if (path !== undefined) keepAll(open(path))
      }
      ts.forEachChild(node, visit)
    }
  }

  function targetOf(module, { moduleSpecifier }) {
    const path = moduleSpecifier && pathOf(module, moduleSpecifier.text)
    return path && open(path)
  }
}

/** Undefined for a module of another package. */
function pathOf({ path }, specifier) {
  if (!specifier.startsWith('.')) return undefined
  return join(dirname(path), specifier.replace(/(?:\.d)?\.[jt]sx?$/, '.d.ts'))
}

function importOf(specifier) {
  let node = specifier
  while (!ts.isImportDeclaration(node)) node = node.parent
  return node
}

function index(module, statement) {
  const { declared, imported, exported, stars } = module
  if (ts.isImportDeclaration(statement)) {
    const { name, namedBindings } = statement.importClause ?? {}
    if (name) imported.set(name.text, statement.importClause)
    if (namedBindings && ts.isNamespaceImport(namedBindings)) imported.set(namedBindings.name.text, namedBindings)
    else for (const each of namedBindings?.elements ?? []) imported.set(each.name.text, each)
  } else if (ts.isExportDeclaration(statement)) {
    if (statement.exportClause === undefined) stars.push(statement)
    else for (const each of statement.exportClause.elements) exported.set(each.name.text, each)
  } else {
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map(({ name }) => name.text)
      : [statement.name.text]
    for (const name of names) {
      declared.set(name, [...(declared.get(name) ?? []), statement])
      if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) exported.set(name, statement)
    }
  }
}

function print({ source, kept }) {
  const lines = source.statements.flatMap((statement) => {
    if (ts.isImportDeclaration(statement)) return printImport(statement, kept)
    if (ts.isExportDeclaration(statement) && statement.exportClause) return printExport(statement, kept)
    return kept.has(statement) ? source.text.slice(statement.getStart(source, true), statement.end) : []
  })
  return `${lines.join('\n')}\n`
}

function printImport({ importClause, moduleSpecifier }, kept) {
  if (importClause === undefined) return []
  const { name, namedBindings, isTypeOnly } = importClause
  const bindings = []
  if (name && kept.has(importClause)) bindings.push(name.text)
  if (namedBindings && kept.has(namedBindings)) bindings.push(namedBindings.getText())
  const elements = (namedBindings?.elements ?? []).filter((each) => kept.has(each))
  if (elements.length > 0) bindings.push(`{ ${elements.map((each) => each.getText()).join(', ')} }`)
  if (bindings.length === 0) return []
  return `import ${isTypeOnly ? 'type ' : ''}${bindings.join(', ')} from ${moduleSpecifier.getText()};`
}

/** An empty list stays: it says that the file is a module whose other declarations are private. */
function printExport({ exportClause, moduleSpecifier, isTypeOnly }, kept) {
  const elements = exportClause.elements.filter((each) => kept.has(each))
  if (elements.length === 0 && moduleSpecifier !== undefined) return []
  const list = elements.map((each) => each.getText()).join(', ')
  return `export ${isTypeOnly ? 'type ' : ''}{ ${list} }${moduleSpecifier ? ` from ${moduleSpecifier.getText()}` : ''};`
}
