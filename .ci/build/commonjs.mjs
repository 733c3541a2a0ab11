/**
 * Lets CommonJS programs `require` each entry point. They load the same ES modules, with declarations of their own.
 *
 * TypeScript resolves the imports of a declaration file by the kind of that file. Drizzle declares its classes once for
 * `import` and once for `require`. The classes have private fields, so the two do not match. A CommonJS program could
 * therefore not pass its database to a function that an ES module declares (TS2345). The code exists only once, and so
 * does each cache.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const RELATIVE = /(\bfrom\s*|\bimport\(\s*)(['"])(\.{1,2}\/[^'"\n]+?)(?:\.d)?\.[jt]sx?\2/g
/**
 * A doc comment, with the line end before it. Nothing else in a declaration file begins like this.
 *
 * The twins have no comments, because these would add 45 KB to a package of 450 KB. The cost: an editor shows no
 * documentation in a TypeScript file that is CommonJS.
 */
const COMMENTS = /\n[ \t]*\/\*\*[\s\S]*?\*\//g

/**
 * @param {string} folder the folder of the build
 * @param {readonly string[]} entries paths of the entries' code in that folder
 */
export function writeCommonJs(folder, entries) {
  const written = new Set()
  for (const entry of entries) {
    const module = `require('./${basename(entry)}')`
    const declarations = join(folder, entry.replace(/\.js$/, '.d.ts'))
    const hasDefault = /\bas default\b/.test(readFileSync(declarations, 'utf8'))
    // Checkers of types find the default export only if something is assigned to it.
    const withDefault = `Object.assign(exports, ${module})\nexports.default = ${module}.default`
    writeFileSync(
      join(folder, entry.replace(/\.js$/, '.cjs')),
      `'use strict'\n${hasDefault ? withDefault : `module.exports = ${module}`}\n`,
    )
    declare(declarations)
  }

  /** Writes the CommonJS twin of a declaration file, and of all that it imports. */
  function declare(file) {
    if (written.has(file)) return
    written.add(file)
    const imported = []
    const text = readFileSync(file, 'utf8').replace(RELATIVE, (_match, keyword, quote, path) => {
      imported.push(path)
      return `${keyword}${quote}${path}.cjs${quote}`
    })
    writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), `\n${text}`.replace(COMMENTS, '').slice(1))
    for (const path of imported) declare(join(dirname(file), `${path}.d.ts`))
  }
}
